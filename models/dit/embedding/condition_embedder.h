#pragma once
// Embeds what a diffusion transformer is conditioned on: the time, and a label or the embedding of a text.
#include <optional>

#include <ditharos/models/dit/condition.h>
#include <ditharos/models/dit/config.h>
#include <ditharos/nn/embedding.h>

namespace ditharos::models {

/// The embedders of times, labels, text embeddings, pooled vectors of texts, and sizes. Keys: t_embedder,
/// r_embedder (of the length of an interval of times), y_embedder.embedding_table, text_embedding_projection.1 (after a
/// SiLU, as Latte's code has it), y_embedder.mlp (of pooled vectors, as Stable Diffusion 3), csize_embedder and
/// ar_embedder (as PixArt-alpha).
class ConditionEmbedder : public nn::Module<ConditionEmbedder> {
 public:
  ConditionEmbedder() = default;
  ConditionEmbedder(const DiTConfig& config, Generator& rng);

  /// Times [B], or [B, 2] of a model with interval_times, -> [B, 1, D]; times of frames [B, F] -> [B, frames, D], the
  /// means over the frames of a patch.
  Tensor times(const Tensor& t, int64_t frames) const;
  /// What modulates besides the time: labels [B], text embeddings [B, ...], pooled vectors and sizes -> [B, 1, D];
  /// undefined for a model without.
  Tensor conditions(const DiTCondition& conditions) const;
  void visit(nn::Visitor& v) override;

 private:
  Tensor sizes(const DiTCondition& conditions) const;

  int64_t step_bits_ = 0, patch_frames_ = 1;
  std::optional<nn::TimestepEmbedder> t_embedder_;  // sinusoidal
  std::optional<nn::TimestepEmbedder> r_embedder_;  // of the interval's length
  std::optional<nn::Linear> step_embedder_;         // binary
  std::optional<nn::Embedding> label_table_;
  std::optional<nn::Linear> text_projection_;
  std::optional<nn::Linear> pooled_in_, pooled_out_;               // with a SiLU between them
  std::optional<nn::TimestepEmbedder> resolution_, aspect_ratio_;  // a third of D for each number
};

}  // namespace ditharos::models
