#pragma once
// Ancestral sampling (Ho et al. 2020, algorithm 2).
#include <ditharos/models/diffusion/gaussian.h>
#include <ditharos/models/samplers/options.h>

namespace ditharos::models {

struct DdpmOptions {
  bool clip = false;  ///< limit each predicted x0 to [-1, 1]: for pixels, not for latents
  SamplingProgress progress = {};
};

/// One step from x_t to x_{t-1}. `noise` has x's shape; step 0 takes none.
Tensor ddpm_step(const GaussianDiffusion& diffusion, const Denoiser& model, const Tensor& x, int64_t t,
                 const Tensor& noise, bool clip = false);
/// All steps from `noise` [B, C, H, W], standard normal, to data. The noise of the steps comes from `rng`. Records no
/// graph.
Tensor sample_ddpm(const GaussianDiffusion& diffusion, const Denoiser& model, const Tensor& noise, Generator& rng,
                   const DdpmOptions& options = {});

}  // namespace ditharos::models
