#pragma once
// Sampling of a MeanFlow in one or a few steps (Geng et al. 2025, algorithm 2).
#include <ditharos/models/diffusion/mean_flow.h>
#include <ditharos/models/samplers/options.h>

namespace ditharos::models {

/// From `noise` [B, ...] at t = 0 to data at t = 1, of images, clips or latents: x + (r - t) u(x, t, r) over `steps`
/// intervals, one network call each. One step is x = noise + u(noise, 0, 1). Records no graph. ConfigError for fewer
/// than one step.
Tensor sample_mean_flow(const MeanFlow& mean_flow, const Denoiser& model, const Tensor& noise, int64_t steps = 1,
                        const SamplingProgress& progress = {});

}  // namespace ditharos::models
