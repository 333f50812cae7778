#pragma once
// The names under which diffusion transformers are published.
#include <ditharos/models/dit/config.h>
#include <ditharos/nn/name_map.h>

namespace ditharos::models {

/// The papers' own code: facebookresearch/DiT, willisma/SiT, Vchitect/Latte, hustvl/LightningDiT. The keys of the
/// models here are theirs; only the rotary tables that LightningDiT stores are dropped.
[[nodiscard]] nn::NameMap official_dit_names();

/// diffusers' DiTTransformer2DModel, of a model with embedders in every block (see as_diffusers). For a model that
/// shares one embedder the blocks' embedders must be equal, as those of the converted released weights are.
[[nodiscard]] nn::NameMap diffusers_dit_names(const DiTConfig& config);

}  // namespace ditharos::models
