#pragma once
// The samplers of a flow: solvers of its differential equation dx/dt = v(x, t), or of a stochastic one.
#include <vector>

#include <ditharos/models/diffusion/flow.h>
#include <ditharos/models/samplers/config.h>
#include <ditharos/models/samplers/options.h>

namespace ditharos::models {

/// Conditioning frames: slices of a sample along axis 1, such as frames of a clip, that are known. Default: none.
struct ConditioningFrames {
  Tensor clip = {};             ///< [B, F, ...]; read where the mask is true
  std::vector<bool> mask = {};  ///< [F]
};

/// From x [B, ...] at time `begin` in [0, 1) to data at time 1 in `steps` steps (dopri5: in as many as its tolerance
/// needs) with a sampler for flows. Conditioning frames stay at time 1 and are returned exactly; the network then gets
/// the time of every frame, [B, F]. Stochastic samplers draw noise from `rng`. Records no graph.
/// ConfigError for another sampler, for fewer than one step, and for a stochastic sampler without `rng` or with `begin`
/// other than 0.
Tensor solve_flow(const Flow& flow, const Denoiser& model, const SamplerConfig& sampler, const Tensor& x, double begin,
                  int64_t steps, const ConditioningFrames& conditioning = {}, const SamplingProgress& progress = {},
                  Generator* rng = nullptr);

}  // namespace ditharos::models
