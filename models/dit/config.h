#pragma once
// The architecture of a diffusion transformer, its checks, and the sizes of the paper. An image is a clip of one frame.
#include <cstdint>
#include <string>
#include <vector>

#include <ditharos/models/dit/patch.h>
#include <ditharos/models/text/encoder.h>

namespace ditharos::models {

/// Position encoding of the tokens.
enum class Positions {
  sin_cos,  ///< a fixed table of sines and cosines, see position_table; of images of one size
  rotary,   ///< queries and keys are rotated, see rotary_table; clips and images of every size
  none
};

/// Which tokens attend to each other.
enum class AttentionLayout {
  joint,      ///< all tokens of a clip (as Sora, Brooks et al. 2024)
  factorised  ///< spatial and temporal attention in alternating blocks (Latte, Ma et al. 2024, variant 1)
};

/// Embedding of the time.
enum class StepEmbedding {
  sinusoidal,  ///< 256 sines and cosines, then an MLP, as DiT
  binary       ///< the binary digits of the step's number, then one linear map
};

/// What a sample is conditioned on, besides the time.
enum class Condition {
  none,
  label,  ///< of a class: its embedding, added to the time's, modulates the blocks (adaLN-Zero)
  prompt  ///< modulates the blocks as a label does, and its tokens are attended to in between (as PixArt-alpha)
};

/// The architecture of a DiT (Peebles and Xie 2023). The defaults are the released DiT-S/2 for 256x256 images, which
/// its autoencoder encodes as 32x32x4.
struct DiTConfig {
  // The inputs.
  int64_t height = 32, width = 32;  ///< of the inputs with sin_cos; else any size that `patch` divides will do
  int64_t channels = 4;             ///< of the inputs
  PatchSize patch = {1, 2, 2};
  /// Order of the numbers of a patch in the outputs of the last layer. It also decides how the weight of the first is
  /// stored, see PatchEmbed.
  PatchOrder patch_order = PatchOrder::channel_last;

  // The network.
  int64_t hidden = 384;  ///< width D of a token, divisible by `heads`; by 4 with sin_cos
  int64_t depth = 12;    ///< blocks
  int64_t heads = 6;     ///< attention heads per block; with rotary D / heads is even and at least 6
  double mlp_ratio = 4;  ///< hidden width of a block's MLP, in units of D
  Positions positions = Positions::sin_cos;
  double rope_base = 100;  ///< of rotary positions, see rotary_table
  /// Absolute positions as features beside `positions`, see coordinate_features; 0: none.
  int64_t frequency_bands = 0;
  AttentionLayout attention = AttentionLayout::joint;
  bool qk_norm = false;  ///< RMS norm of each head's queries and keys: keeps scores small in large models

  // The condition.
  StepEmbedding step_embedding = StepEmbedding::sinusoidal;
  int64_t step_bits = 10;       ///< of the binary embedding: times from 0 to 2^bits - 1
  int64_t classes = 1000;       ///< of labels; 0: none
  double class_dropout = .1;    ///< share of labels that training replaces by null_label(), for guidance
  TextEncoderConfig text = {};  ///< of prompts; with a vocabulary of 0 the model takes none

  bool learn_sigma = true;  ///< also predict the range of the variance: twice as many output channels

  Condition condition() const;
  /// Patches of an image, and their number; of models with a position table.
  int64_t rows() const { return height / patch.height; }
  int64_t columns() const { return width / patch.width; }
  int64_t tokens() const { return rows() * columns(); }
  int64_t out_channels() const { return learn_sigma ? 2 * channels : channels; }
  int64_t head_size() const { return hidden / heads; }
  int64_t mlp_hidden() const { return static_cast<int64_t>(static_cast<double>(hidden) * mlp_ratio); }
  /// Numbers in a patch of the input, and of the output.
  int64_t patch_volume() const { return channels * patch.volume(); }
  int64_t out_volume() const { return out_channels() * patch.volume(); }
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
/// A small model of clips of every length and size: rotary positions, patches with their channels first, no labels, no
/// learned variance, 8 channels.
[[nodiscard]] DiTConfig video_dit_preset();

struct DiTCounts {
  int64_t trainable = 0;  ///< parameters
  int64_t total = 0;      ///< and the stored position table
};
/// Numbers of elements in a DiT of this shape, without building it.
[[nodiscard]] DiTCounts count_parameters(const DiTConfig& config);

}  // namespace ditharos::models
