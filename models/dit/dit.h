#pragma once
// The diffusion transformer for pictures.
#include <optional>
#include <vector>

#include <ditharos/models/dit/block.h>
#include <ditharos/models/dit/config.h>
#include <ditharos/models/dit/patch.h>
#include <ditharos/nn/embedding.h>

namespace ditharos::models {

/// DiT (Peebles and Xie 2023, "Scalable diffusion models with transformers"), conditioned by adaLN-Zero on a time and,
/// if the configuration has classes, on a label. State-dict keys, order and starting values are those of the released
/// model. SiT uses the same network.
class DiT : public nn::Module<DiT> {
 public:
  /// Throws ConfigError when the configuration does not fit together.
  DiT(const DiTConfig& config, Generator& rng);

  /// x [B, channels, height, width], t [B] (any unit that sampling uses too), labels i64 [B] in [0, classes], where
  /// classes stands for "no class"; undefined for a model without classes -> [B, out_channels, height, width].
  Tensor forward(const Tensor& x, const Tensor& t, const Tensor& labels = {}) const;
  void visit(nn::Visitor& v) override;

  const DiTConfig& config() const { return config_; }
  /// In training, keeps of each block only its input and computes the block again in the backward pass: less memory,
  /// about a third more time, the same gradients up to rounding. Off at the start.
  void set_recompute(bool on) { recompute_ = on; }

 private:
  void check_inputs(const Tensor& x, const Tensor& t, const Tensor& labels) const;

  DiTConfig config_;
  bool recompute_ = false;
  nn::Buffer pos_embed_;  // [1, T, D]
  PatchEmbed x_embedder_;
  nn::TimestepEmbedder t_embedder_;
  std::optional<nn::Embedding> label_table_;
  std::vector<DiTBlock> blocks_;
  FinalLayer final_layer_;
};

}  // namespace ditharos::models
