#pragma once
// The published names of diffusion transformers with text features: those of diffusers.
#include <ditharos/models/dit/config.h>
#include <ditharos/nn/name_map.h>

namespace ditharos::models {

/// PixArtTransformer2DModel. Its files lack pos_embed, which is computed.
[[nodiscard]] nn::NameMap pixart_names();
/// LatteTransformer3DModel, whose transformer_blocks.{i} and temporal_transformer_blocks.{i} are the blocks 2 i and
/// 2 i + 1. Its files lack pos_embed and temp_embed, which are computed.
[[nodiscard]] nn::NameMap latte_text_names(const DiTConfig& config);
/// SD3Transformer2DModel, of Stable Diffusion 3 and 3.5. Its last norms have [scale, shift] where the model here has
/// [shift, scale].
[[nodiscard]] nn::NameMap sd3_names(const DiTConfig& config);

}  // namespace ditharos::models
