#pragma once
// The configuration of a trained image model and of its sampling.
#include <ditharos/models/diffusion/process.h>
#include <ditharos/models/dit/config.h>
#include <ditharos/models/samplers/config.h>

namespace ditharos::pipelines {

/// The kind of the network's prediction: `standard` is velocity for a flow and eps for a Gaussian process.
enum class Prediction { standard, eps, x0, v, velocity, score };

/// The defaults are for 28x28 images.
struct ImageModelConfig {
  models::DiTConfig model{.height = 28,
                          .width = 28,
                          .channels = 1,
                          .patch = {1, 4, 4},
                          .hidden = 96,
                          .depth = 4,
                          .heads = 4,
                          .classes = 10,
                          .text = {.length = 48, .width = 96},
                          .learn_sigma = false};
  models::DiffusionConfig process;
  Prediction prediction = Prediction::standard;
  bool sigma_small = false;  ///< a Gaussian process's variance that is not learned: fixed_small instead of fixed_large
  models::SamplerConfig sampler;

  /// Sets what follows from other settings: the prediction of the process, its variance (from model.learn_sigma and
  /// sigma_small), and the number of pixels. ConfigError, in one sentence, for settings that do not fit together.
  void settle();
  friend bool operator==(const ImageModelConfig&, const ImageModelConfig&) = default;
};

}  // namespace ditharos::pipelines
