#pragma once
// Sampling from any process with any sampler that fits it.
#include <ditharos/models/diffusion/process.h>
#include <ditharos/models/samplers/config.h>
#include <ditharos/models/samplers/options.h>

namespace ditharos::models {

/// Samples [B, ...] from standard normal `noise` of that shape. `conditions` is i64 [B, ...], or undefined for a
/// network without conditions. `null_condition` stands for "none" and has the shape of one sample's condition, {} for
/// labels; it is read when there is guidance. Samplers that add noise in each step draw it from `rng`.
/// ConfigError when sampler and process do not go together. Records no graph.
Tensor sample(const DiffusionConfig& process, const SamplerConfig& sampler, const Network& network,
              const Tensor& conditions, const Tensor& null_condition, const Tensor& noise, Generator& rng,
              const SamplingProgress& progress = {});

}  // namespace ditharos::models
