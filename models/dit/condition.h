#pragma once
// What a diffusion transformer is conditioned on besides the time.
#include <ditharos/tensor/tensor.h>

namespace ditharos::models {

/// The conditions of B samples. A model takes those that its configuration names, and no others.
struct DiTCondition {
  Tensor conditions = {};    ///< labels, prompts or text embeddings, as DiTConfig::condition() says
  Tensor text = {};          ///< features of a text encoder [B, L, caption_channels]
  Tensor text_mask = {};     ///< bool [B, L]: true for tokens, false for padding; undefined: no padding
  Tensor pooled = {};        ///< one vector for each text, [B, pooled_projection_dim]
  Tensor resolution = {};    ///< height and width of the image in pixels, [B, 2], of models with size_conditions
  Tensor aspect_ratio = {};  ///< height / width, [B] or [B, 1], with size_conditions

  /// The conditions of the samples with these indices (i64 [N], each in [0, B)), for networks whose conditions are one
  /// tensor: with the features of all prompts and of the empty one in one DiTCondition, guidance and samplers take
  /// indices.
  ///
  ///   const Network network = [&](const Tensor& x, const Tensor& t, const Tensor& indices) {
  ///     return model(x, t, prompts.rows(indices));
  ///   };
  [[nodiscard]] DiTCondition rows(const Tensor& indices) const;
};

}  // namespace ditharos::models
