#include <ditharos/models/samplers/mean_flow.h>

#include <ditharos/autograd/ops.h>
#include <ditharos/nn/inference.h>

namespace ditharos::models {

Tensor sample_mean_flow(const MeanFlow& mean_flow, const Denoiser& model, const Tensor& noise, int64_t steps,
                        const SamplingProgress& progress) {
  check<ConfigError>(steps >= 1, "[sample_mean_flow] needs at least one step, got ", steps);
  const nn::InferenceMode inference;
  const std::vector<double> times = mean_flow.flow().sampling_times(steps);
  Tensor x = noise;
  for (int64_t i = 0; i < steps; ++i) {
    const double t = times[size_t(i)], r = times[size_t(i) + 1];
    const Tensor u = mean_flow.average_velocity(model, x, t, r);
    const Tensor next = x + u * (r - t);
    if (progress) progress(i + 1, steps, i + 1 == steps ? next : x + u * (1 - t));
    x = next;
  }
  return x;
}

}  // namespace ditharos::models
