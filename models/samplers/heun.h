#pragma once
// Heun's method (the explicit trapezoidal rule, of second order) for the flow's differential equation dx/dt = v(x, t).
#include <ditharos/models/diffusion/flow.h>
#include <ditharos/models/samplers/options.h>

namespace ditharos::models {

/// From `noise` [B, ...] at t = 0 to data at t = 1 in equal steps, two network calls each. Records no graph.
Tensor sample_heun(const Flow& flow, const Denoiser& model, const Tensor& noise, int64_t steps,
                   const SamplingProgress& progress = {});

}  // namespace ditharos::models
