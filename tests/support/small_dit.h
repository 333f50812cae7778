#pragma once
// Small diffusion transformers for tests, of images and of clips.
#include <algorithm>
#include <vector>

#include <ditharos/models/dit/config.h>
#include <ditharos/models/dit/presets.h>
#include <ditharos/nn/module.h>

namespace ditharos::tests {

/// Images [B, 2, 4, 6] with labels.
inline models::DiTConfig image_config(int64_t classes = 3) {
  return {.height = 4,
          .width = 6,
          .channels = 2,
          .hidden = 8,
          .depth = 1,
          .heads = 2,
          .classes = classes,
          .learn_sigma = false};
}

/// Clips [B, F, 2, H, W] with prompts of up to 5 tokens.
inline models::DiTConfig clip_config() {
  models::DiTConfig config = models::video_dit_preset();
  config.channels = 2;
  config.hidden = 16;
  config.depth = 2;
  config.heads = 2;
  config.mlp_ratio = 2;
  config.text = {.vocabulary = 9, .length = 5, .width = 8, .depth = 1, .heads = 2};
  return config;
}

/// The model with random values for all its parameters: a fresh model's output is zero.
template <class M>
M randomized(M model, double deviation = .3, uint64_t seed = 3) {
  Generator rng(seed);
  for (const auto& [name, tensor] : nn::named_parameters(model)) {
    const std::vector<float> values = (rng.normal(tensor.shape()) * deviation).template to_vector<float>();
    std::copy(values.begin(), values.end(), tensor.template mutable_data<float>());
  }
  return model;
}

}  // namespace ditharos::tests
