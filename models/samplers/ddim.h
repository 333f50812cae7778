#pragma once
// Denoising diffusion implicit models (Song et al. 2021): fewer steps, deterministic at eta 0, and invertible.
#include <ditharos/models/diffusion/gaussian.h>
#include <ditharos/models/samplers/options.h>

namespace ditharos::models {

struct DdimOptions {
  double eta = 0;     ///< 0: deterministic; 1: as much noise as DDPM
  bool clip = false;  ///< limit each predicted x0 to [-1, 1]: for pixels, not for latents
  SamplingProgress progress = {};
};

/// One step from x_t to x_{t-1} (Song et al. 2021, equation 12). `noise` is read only when eta > 0 and t > 0.
Tensor ddim_step(const GaussianDiffusion& diffusion, const Denoiser& model, const Tensor& x, int64_t t,
                 const Tensor& noise, double eta = 0, bool clip = false);
/// All steps from `noise` [B, C, H, W] to data; `rng` is drawn from only when eta > 0. Records no graph.
Tensor sample_ddim(const GaussianDiffusion& diffusion, const Denoiser& model, const Tensor& noise, Generator& rng,
                   const DdimOptions& options = {});

/// The step at which the network is called in an inverse step.
enum class InversionTime {
  of_x,      ///< that of x, as in the released DiT: x_t is data at step 0, and the last step gives the predicted noise
  of_result  ///< that of the step's result, as in diffusers: x is data before step 0, the result is at the last step
};

/// One step the other way (Song et al. 2021, section 4.3): of_x from x_t to x_{t+1}, of_result from x_{t-1} to x_t.
Tensor ddim_inverse_step(const GaussianDiffusion& diffusion, const Denoiser& model, const Tensor& x, int64_t t,
                         InversionTime time = InversionTime::of_x);
/// Data to the noise from which sample_ddim with eta 0 gives about the same data. Records no graph.
Tensor invert_ddim(const GaussianDiffusion& diffusion, const Denoiser& model, const Tensor& data,
                   const SamplingProgress& progress = {}, InversionTime time = InversionTime::of_x);

}  // namespace ditharos::models
