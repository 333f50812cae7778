#pragma once
// The configuration of a trained image model and of its sampling.
#include <ditharos/models/diffusion/process.h>
#include <ditharos/models/dit/config.h>
#include <ditharos/models/samplers/config.h>

namespace ditharos::pipelines {

/// The defaults are for 28x28 images.
struct ImageModelConfig {
  models::DiTConfig model{.height = 28, .width = 28, .channels = 1, .patch = {1, 4, 4}, .hidden = 96, .depth = 4,
                          .heads = 4, .classes = 10, .learn_sigma = false};
  models::DiffusionConfig process;
  models::SamplerConfig sampler;

  /// Sets the variance of the process, which follows from model.learn_sigma. ConfigError, in one sentence, for settings
  /// that do not fit together.
  void settle();
  friend bool operator==(const ImageModelConfig&, const ImageModelConfig&) = default;
};

}  // namespace ditharos::pipelines
