#pragma once
// The samplers of a flow: solvers of its differential equation dx/dt = v(x, t).
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

/// From x [B, ...] at time `begin` in [0, 1) to data at time 1, with Euler's method or Heun's. Conditioning frames stay
/// at time 1 and are returned exactly; the network then gets the time of every frame, [B, F]. Records no graph.
/// ConfigError for another sampler and fewer than one step.
Tensor solve_flow(const RectifiedFlow& flow, const Denoiser& model, SamplerKind method, const Tensor& x, double begin,
                  int64_t steps, const ConditioningFrames& conditioning = {}, const SamplingProgress& progress = {});

}  // namespace ditharos::models
