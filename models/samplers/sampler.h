#pragma once
// Sampling from any process with any sampler that fits it.
#include <ditharos/models/diffusion/process.h>
#include <ditharos/models/samplers/config.h>
#include <ditharos/models/samplers/options.h>

namespace ditharos::models {

/// Whether a sampler samples from a kind of process.
using SamplerFilter = bool (*)(SamplerKind);
[[nodiscard]] SamplerFilter samplers_of(ProcessKind process);

/// ConfigError, in one sentence, when the sampler is no sampler for the process or its settings do not fit together.
void check_sampler(const DiffusionConfig& process, const SamplerConfig& sampler);

/// Samples [B, ...] from standard normal `noise` of that shape. `conditions` is i64 [B, ...], or undefined for a
/// network without conditions. `null_condition` stands for "none" and has the shape of one sample's condition, {} for
/// labels; it is read when there is guidance. Samplers that add noise in each step draw it from `rng`.
/// A Gaussian process is shortened to the sampler's steps, unless its respacing says which to keep. sampler.caching is
/// for the network's author: see FeatureCache. ConfigError as check_sampler throws it. Records no graph.
Tensor sample(const DiffusionConfig& process, const SamplerConfig& sampler, const Network& network,
              const Tensor& conditions, const Tensor& null_condition, const Tensor& noise, Generator& rng,
              const SamplingProgress& progress = {});

}  // namespace ditharos::models
