#pragma once
// The weights and inputs of tests/golden/make_kl_golden.py, which both sides compute from positions.
#include <cmath>
#include <string>
#include <vector>

#include <ditharos/models/autoencoder/kl.h>
#include <ditharos/models/autoencoder/kl_names.h>
#include <ditharos/nn/state_dict.h>
#include <ditharos/tensor/factory.h>
#include "tests/support/golden.h"

namespace ditharos::tests {

/// Multiples of 2^-23 in [-1, 1), a function of position and salt.
inline std::vector<float> hashed(int64_t count, uint32_t salt) {
  std::vector<float> values;
  for (uint32_t i = 0; i < uint32_t(count); ++i) {
    uint32_t x = i * 2654435761u + (salt * 40503u + 12345u);
    for (const uint32_t factor : {0x85EBCA6Bu, 0xC2B2AE35u}) {
      x ^= x >> 15;
      x *= factor;
    }
    x ^= x >> 16;
    values.push_back(float(x >> 8) / 8388608.f - 1.f);
  }
  return values;
}
inline Tensor hashed(const Shape& shape, uint32_t salt) { return from_vector(hashed(numel(shape), salt), shape); }

/// The published weights of the golden models: see fill() in the script.
inline std::map<std::string, Tensor> golden_kl_weights(const models::AutoencoderKL& model) {
  std::map<std::string, Tensor> published = models::kl_names().to_published(nn::named_parameters(model));
  uint32_t salt = 0;
  for (auto& [name, tensor] : published) {
    std::vector<float> values = hashed(tensor.numel(), salt++);
    const bool norm = name.find("norm") != std::string::npos && name.ends_with("weight");
    const float bound = float(1.5 / std::sqrt(double(tensor.numel()) / double(tensor.size(0))));
    for (float& v : values) v = tensor.rank() > 1 ? float(double(v) * double(bound)) : v * .25f + (norm ? 1.f : 0.f);
    tensor = from_vector(values, tensor.shape());
  }
  return published;
}

/// A model of the golden file, by its prefix there.
inline models::AutoencoderKL golden_kl(const std::string& name) {
  models::AutoencoderKLConfig config{.block_out_channels = {32, 64}, .layers_per_block = 1, .norm_num_groups = 8};
  if (name == "sd3") {
    config = {.latent_channels = 5, .block_out_channels = {8, 16, 24, 32}, .layers_per_block = 1, .norm_num_groups = 4,
              .use_quant_conv = false, .use_post_quant_conv = false};
  }
  Generator rng(1);
  models::AutoencoderKL model(config, rng);
  nn::load_state_dict(model, models::kl_names().to_own(golden_kl_weights(model), nn::named_tensors(model)));
  return model;
}

}  // namespace ditharos::tests
