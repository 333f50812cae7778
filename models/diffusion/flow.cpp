#include <ditharos/models/diffusion/flow.h>

#include <cmath>

#include <ditharos/autograd/ops.h>
#include <ditharos/models/diffusion/batch.h>

namespace ditharos::models {
namespace {

Tensor check_velocity(Tensor output, const Tensor& x) {
  check<ShapeError>(output.shape() == x.shape(), "[RectifiedFlow] the network must return a velocity of shape ",
                    x.shape(), ", got ", output.shape(), "; a DiT for it has learn_sigma = false");
  return output;
}

}  // namespace

void FlowConfig::validate() const {
  check<ConfigError>(std::isfinite(time_scale) && time_scale > 0, "time_scale must be positive, got ", time_scale);
  check<ConfigError>(std::isfinite(time_shift) && time_shift > 0, "time_shift must be positive, got ", time_shift);
}

RectifiedFlow::RectifiedFlow(const FlowConfig& config) : config_(config) { config.validate(); }

double RectifiedFlow::shifted(double t) const {
  return config_.time_shift == 1 ? t : t / (t + config_.time_shift * (1 - t));  // t + (1 - t) may round
}

std::vector<double> RectifiedFlow::sample_times(int64_t n, Generator& rng) const {
  const bool uniform = config_.time_sampling == TimeSampling::uniform;
  std::vector<double> t = (uniform ? rng.uniform({n}, DType::f64) : rng.normal({n}, DType::f64)).to_vector<double>();
  for (double& v : t) v = shifted(uniform ? v : 1 / (1 + std::exp(-v)));
  return t;
}

std::vector<double> RectifiedFlow::sampling_times(int64_t steps, double begin) const {
  check<ConfigError>(steps >= 1 && begin >= 0 && begin < 1, "[RectifiedFlow] sampling takes one step or more from a ",
                     "time in [0, 1), got ", steps, " steps from ", begin);
  // begin = shifted(first), so that a later start takes steps like those of the whole way.
  const double first = begin * config_.time_shift / (1 - begin + begin * config_.time_shift);
  const double step = (1 - first) / double(steps);
  std::vector<double> times;
  for (int64_t i = 0; i < steps; ++i) times.push_back(shifted(first + double(i) * step));
  times.push_back(1);
  return times;
}

Tensor RectifiedFlow::network_times(const std::vector<double>& t) const {
  std::vector<double> scaled = t;
  for (double& v : scaled) v = network_time(v);
  return to(from_vector(scaled), DType::f32);
}

Tensor RectifiedFlow::interpolate(const Tensor& data, const Tensor& noise, const std::vector<double>& t) const {
  check<ShapeError>(noise.shape() == data.shape() && data.rank() >= 1 && int64_t(t.size()) == data.size(0),
                    "[RectifiedFlow] data ", data.shape(), ", noise ", noise.shape(), " and ", t.size(),
                    " times do not make a batch");
  const Tensor way = per_sample(t, data);
  return (1.0 - way) * noise + way * data;
}

Tensor RectifiedFlow::loss_terms(const Denoiser& model, const Tensor& data, const std::vector<double>& t,
                                 const Tensor& noise) const {
  const Tensor xt = interpolate(data, noise, t);
  return mean_per_sample(square(check_velocity(model(xt, network_times(t)), xt) - (data - noise)));
}

Loss RectifiedFlow::loss(const Denoiser& model, const Tensor& data, Generator& rng) const {
  const std::vector<double> t = sample_times(data.size(0), rng);
  const Tensor each = loss_terms(model, data, t, rng.normal(data.shape(), data.dtype()));
  return {mean(each), each.detach(), from_vector(t)};
}

Tensor RectifiedFlow::velocity(const Denoiser& model, const Tensor& x, double t) const {
  return check_velocity(model(x, network_times(std::vector<double>(size_t(x.size(0)), t))), x);
}

}  // namespace ditharos::models
