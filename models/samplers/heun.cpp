#include <ditharos/models/samplers/heun.h>

#include <ditharos/autograd/ops.h>
#include <ditharos/nn/inference.h>

namespace ditharos::models {

Tensor sample_heun(const RectifiedFlow& flow, const Denoiser& model, const Tensor& noise, int64_t steps,
                   const SamplingProgress& progress) {
  check<ConfigError>(steps >= 1, "[sample_heun] needs at least one step, got ", steps);
  const nn::InferenceMode inference;
  const std::vector<double> times = flow.sampling_times(steps);
  Tensor x = noise;
  for (int64_t i = 0; i < steps; ++i) {
    const double t = times[size_t(i)], dt = times[size_t(i) + 1] - t;
    const Tensor here = flow.velocity(model, x, t);
    const Tensor there = flow.velocity(model, x + here * dt, t + dt);
    x = x + (here + there) * (dt / 2);
    if (progress) progress(i + 1, steps, x);
  }
  return x;
}

}  // namespace ditharos::models
