#pragma once
// The variational bound of the likelihood of pixels (Ho et al. 2020, section 3; Nichol and Dhariwal 2021).
#include <functional>

#include <ditharos/models/diffusion/gaussian.h>

namespace ditharos::models {

/// All in bits per dimension or squared errors; column i of [B, steps] is step i.
struct BitsPerDim {
  Tensor total;              ///< [B]: prior plus the sum of vb
  Tensor prior;              ///< [B]: the divergence of x_T's distribution from the standard normal
  Tensor vb;                 ///< [B, steps]; column 0 is the negative log-likelihood of the pixels
  Tensor x0_mse, noise_mse;  ///< [B, steps]: of the predicted data and of the noise that follows from it
};

/// The bound for `data` [B, ...], 8-bit pixels scaled to [-1, 1], at every step, with one network call and one draw of
/// noise each, from the last step to the first. `clip` limits predicted data to [-1, 1]. Of a process that is respaced,
/// the bound is that of the respaced process. Records no graph.
[[nodiscard]] BitsPerDim bits_per_dim(const GaussianDiffusion& diffusion, const Denoiser& model, const Tensor& data,
                                      Generator& rng, bool clip = true);
/// The same with given noise: `noise(step)` has data's shape.
[[nodiscard]] BitsPerDim bits_per_dim(const GaussianDiffusion& diffusion, const Denoiser& model, const Tensor& data,
                                      const std::function<Tensor(int64_t step)>& noise, bool clip = true);

}  // namespace ditharos::models
