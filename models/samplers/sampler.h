#pragma once
// One call that samples from any process with any sampler that fits it.
#include <ditharos/models/diffusion/guidance.h>
#include <ditharos/models/diffusion/process.h>
#include <ditharos/models/samplers/options.h>

namespace ditharos::models {

enum class SamplerKind { ddpm, ddim, euler, heun };

struct SamplerConfig {
  SamplerKind kind = SamplerKind::euler;  ///< ddpm and ddim need a Gaussian process, euler and heun a flow
  int64_t steps = 30;                     ///< of the sampler
  double eta = 0;                         ///< ddim: 0 deterministic, 1 as noisy as ddpm
  bool clip = false;                      ///< ddpm, ddim: limit predicted pixels to [-1, 1]
  Guidance guidance = {};
};

/// "ddpm", "ddim", "euler" or "heun".
[[nodiscard]] const char* name_of(SamplerKind kind);

/// Samples [B, C, H, W] from standard normal `noise` of that shape. `conditions` is i64 [B, ...], or undefined for a
/// network without any; `null_condition` is what stands for "none", of one sample: {} for labels. It is read when there
/// is guidance. `rng` serves samplers that draw noise on the way.
/// ConfigError when sampler and process do not go together. Records no graph.
Tensor sample(const DiffusionConfig& process, const SamplerConfig& sampler, const Network& network,
              const Tensor& conditions, const Tensor& null_condition, const Tensor& noise, Generator& rng,
              const SamplingProgress& progress = {});

}  // namespace ditharos::models
