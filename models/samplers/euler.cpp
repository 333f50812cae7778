#include <ditharos/models/samplers/euler.h>

#include <ditharos/autograd/ops.h>
#include <ditharos/nn/inference.h>

namespace ditharos::models {

Tensor sample_euler(const RectifiedFlow& flow, const Denoiser& model, const Tensor& noise, int64_t steps,
                    const SamplingProgress& progress) {
  check<ConfigError>(steps >= 1, "[sample_euler] needs at least one step, got ", steps);
  const nn::InferenceMode inference;
  const std::vector<double> times = flow.sampling_times(steps);
  Tensor x = noise;
  for (int64_t i = 0; i < steps; ++i) {
    const double t = times[size_t(i)], dt = times[size_t(i) + 1] - t;
    x = x + flow.velocity(model, x, t) * dt;
    if (progress) progress(i + 1, steps, x);
  }
  return x;
}

}  // namespace ditharos::models
