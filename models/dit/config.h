#pragma once
// The shape of a diffusion transformer, its checks, and the sizes of the paper.
#include <cstdint>
#include <string>
#include <vector>

namespace ditharos {
class Tensor;
}

namespace ditharos::models {

/// What decides every shape of a DiT (Peebles and Xie 2023). The defaults are DiT-S/2 for 256x256 pictures, which the
/// paper's autoencoder turns into 32x32x4.
struct DiTConfig {
  int64_t height = 32, width = 32;  ///< of the input, each divisible by `patch`
  int64_t channels = 4;             ///< of the input
  int64_t patch = 2;                ///< side of a patch
  int64_t hidden = 384;             ///< width D of a token, divisible by 4 (position table) and by `heads`
  int64_t depth = 12;               ///< blocks
  int64_t heads = 6;                ///< attention heads a block
  double mlp_ratio = 4;             ///< hidden width of a block's MLP, in units of D
  int64_t classes = 1000;           ///< 0: unconditional
  double class_dropout = .1;        ///< share of labels that training replaces by null_label(), for guidance
  bool learn_sigma = true;          ///< also predict the range of the variance: twice as many output channels

  int64_t rows() const { return height / patch; }   ///< patches from top to bottom
  int64_t columns() const { return width / patch; }  ///< patches from left to right
  int64_t tokens() const { return rows() * columns(); }
  int64_t out_channels() const { return learn_sigma ? 2 * channels : channels; }
  int64_t mlp_hidden() const { return static_cast<int64_t>(static_cast<double>(hidden) * mlp_ratio); }
  /// The label that stands for "no class": the last row of the label table.
  int64_t null_label() const { return classes; }
  /// The same as the condition of one sample, a scalar i64, which the trainer and guidance want.
  Tensor null_condition() const;
  /// Throws ConfigError with one sentence that says what does not fit.
  void validate() const;

  friend bool operator==(const DiTConfig&, const DiTConfig&) = default;
};

/// A size of the paper by its name, "S/2", "B/4", "L/8", "XL/2" and so on; everything else as in the defaults above.
[[nodiscard]] DiTConfig dit_preset(const std::string& name);
/// The names that dit_preset knows, smallest first.
[[nodiscard]] std::vector<std::string> dit_preset_names();

struct DiTCounts {
  int64_t trainable = 0;  ///< parameters
  int64_t total = 0;      ///< and the stored position table
};
/// Numbers of elements in a DiT of this shape, without building it.
[[nodiscard]] DiTCounts count_parameters(const DiTConfig& config);

}  // namespace ditharos::models
