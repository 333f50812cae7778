#pragma once
// Euler's method for the flow's differential equation dx/dt = v(x, t).
#include <ditharos/models/diffusion/flow.h>
#include <ditharos/models/samplers/options.h>

namespace ditharos::models {

/// From `noise` [B, ...] at t = 0 to data at t = 1 in equal steps, one network call each. Records no graph.
Tensor sample_euler(const Flow& flow, const Denoiser& model, const Tensor& noise, int64_t steps,
                    const SamplingProgress& progress = {});

}  // namespace ditharos::models
