#include <ditharos/models/diffusion/samplers/heun.h>

#include <ditharos/autograd/ops.h>
#include <ditharos/nn/inference.h>

namespace ditharos::models {

Tensor sample_heun(const RectifiedFlow& flow, const Denoiser& model, const Tensor& noise, int64_t steps,
                   const SamplingProgress& progress) {
  check<ConfigError>(steps >= 1, "[sample_heun] needs at least one step, got ", steps);
  const nn::InferenceMode inference;
  const double dt = 1 / double(steps);
  Tensor x = noise;
  for (int64_t i = 0; i < steps; ++i) {
    const Tensor here = flow.velocity(model, x, double(i) * dt);
    const Tensor there = flow.velocity(model, x + here * dt, double(i + 1) * dt);
    x = x + (here + there) * (dt / 2);
    if (progress) progress(i + 1, steps, x);
  }
  return x;
}

}  // namespace ditharos::models
