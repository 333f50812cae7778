#pragma once
// The names of an AutoencoderKL's tensors in published state dicts.
#include <vector>

#include <ditharos/models/autoencoder/kl_config.h>
#include <ditharos/nn/name_map.h>

namespace ditharos::models {

/// diffusers: attentions.0.{group_norm, to_q, to_k, to_v, to_out.0}; all other names are this library's own.
[[nodiscard]] nn::NameMap kl_names();
/// Files of diffusers before version 0.18, such as the released Stable Diffusion 1 autoencoders:
/// attentions.0.{group_norm, query, key, value, proj_attn}.
[[nodiscard]] nn::NameMap kl_names_before_0_18();
/// The code of Rombach et al. (CompVis/latent-diffusion): down.{i}.block.{j}, mid.attn_1 with 1x1 convolutions, and the
/// decoder's resolutions counted from the largest. For this one configuration, because the order depends on it.
[[nodiscard]] nn::NameMap kl_names_compvis(const AutoencoderKLConfig& config);
/// All of them, in this order, for nn::best_fit.
[[nodiscard]] std::vector<nn::NameMap> kl_name_maps(const AutoencoderKLConfig& config);

}  // namespace ditharos::models
