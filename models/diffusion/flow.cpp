#include <ditharos/models/diffusion/flow.h>

#include <algorithm>
#include <cmath>
#include <numbers>

#include <ditharos/autograd/ops.h>
#include <ditharos/models/diffusion/batch.h>

namespace ditharos::models {
namespace {

/// Whether a prediction gives the velocity at every time of the linear and gvp paths.
bool is_regular(PredictionKind kind) { return kind == PredictionKind::velocity || kind == PredictionKind::v; }

Tensor check_output(Tensor output, const Tensor& x, PredictionKind kind) {
  check<ShapeError>(output.shape() == x.shape(), "[Flow] the network must return a prediction (", name_of(kind),
                    ") of shape ", x.shape(), ", got ", output.shape(), "; a DiT for it has learn_sigma = false");
  return output;
}

/// a data + b noise, with a and b of each sample's point.
template <class A, class B>
Tensor combine(const Tensor& data, const Tensor& noise, const std::vector<PathPoint>& points, A a, B b) {
  std::vector<double> of_data, of_noise;
  for (const PathPoint& point : points) {
    of_data.push_back(a(point));
    of_noise.push_back(b(point));
  }
  return per_sample(of_data, data) * data + per_sample(of_noise, data) * noise;
}

std::vector<PathPoint> points_at(const Path& path, const std::vector<double>& t) {
  std::vector<PathPoint> points;
  for (const double time : t) points.push_back(path.at(time));
  return points;
}

/// What the network's output is compared with. The score's is compared after multiplication with sigma.
Tensor target_of(PredictionKind kind, const Path& path, const Tensor& data, const Tensor& noise,
                 const std::vector<double>& t) {
  switch (kind) {
    case PredictionKind::eps: return noise;
    case PredictionKind::x0: return data;
    case PredictionKind::score: return -noise;
    case PredictionKind::velocity:
      if (path.kind() == PathKind::linear) return data - noise;
      return combine(
          data, noise, points_at(path, t), [](const PathPoint& p) { return p.d_alpha; },
          [](const PathPoint& p) { return p.d_sigma; });
    case PredictionKind::v: break;
  }
  return combine(
      data, noise, points_at(path, t), [](const PathPoint& p) { return -p.sigma; },
      [](const PathPoint& p) { return p.alpha; });
}

double weight_at(LossWeighting weighting, const Path& path, double t) {
  const double g = path.score_coefficient(t), sigma = path.sigma(t);
  return weighting == LossWeighting::velocity ? g * g / (sigma * sigma) : g / (sigma * sigma);
}

void check_times(const FlowConfig& config) {
  check<ConfigError>(std::isfinite(config.logit_mean), "logit_mean must be finite, got ", config.logit_mean);
  check<ConfigError>(std::isfinite(config.logit_scale) && config.logit_scale > 0, "logit_scale must be positive, got ",
                     config.logit_scale);
  const double most = 2 / (std::numbers::pi - 2);  // beyond it and below -1, times are not in the order of u
  check<ConfigError>(config.mode_scale >= -1 && config.mode_scale <= most, "mode_scale must be in [-1, ", most,
                     "], got ", config.mode_scale);
  check<ConfigError>(std::isfinite(config.time_scale) && config.time_scale > 0, "time_scale must be positive, got ",
                     config.time_scale);
  check<ConfigError>(std::isfinite(config.time_shift) && config.time_shift > 0, "time_shift must be positive, got ",
                     config.time_shift);
  check<ConfigError>(config.shift_base_pixels >= 0 && (config.shift_base_pixels == 0 || config.pixels > 0),
                     "a shift by the resolution needs the number of pixels, got shift_base_pixels = ",
                     config.shift_base_pixels, " and ", config.pixels, " pixels");
  for (const double eps : {config.train_eps, config.sample_eps})
    check<ConfigError>(eps >= 0 && eps < .5, "train_eps and sample_eps must be in [0, .5), got ", eps);
}

}  // namespace

double resolution_shift(int64_t pixels, int64_t base_pixels) {
  check<ConfigError>(pixels > 0 && base_pixels > 0, "[resolution_shift] the numbers of pixels must be positive, got ",
                     pixels, " and ", base_pixels);
  return std::sqrt(double(pixels) / double(base_pixels));
}

double FlowConfig::shift() const {
  return shift_base_pixels > 0 ? time_shift * resolution_shift(pixels, shift_base_pixels) : time_shift;
}

void FlowConfig::validate() const {
  check_times(*this);
  check<ConfigError>(
      weighting == LossWeighting::none || prediction == PredictionKind::score || prediction == PredictionKind::eps,
      "the loss weighting \"", weighting == LossWeighting::velocity ? "velocity" : "likelihood",
      "\" is for a network that predicts score or eps; with prediction = \"", name_of(prediction),
      "\" choose \"none\"");
}

Flow::Flow(const FlowConfig& config) : config_(config), path_(config.path) { config.validate(); }

double Flow::shifted(double t) const {
  const double shift = config_.shift();
  return shift == 1 ? t : t / (t + shift * (1 - t));  // t + (1 - t) may round
}

TimeInterval Flow::interval(double eps, double usual) const {
  // The vp path begins with some data left, and its velocity is infinite at data.
  if (path_.kind() == PathKind::vp) return {0, 1 - (eps > 0 ? eps : usual)};
  if (is_regular(config_.prediction)) return {};
  const double away = eps > 0 ? eps : usual;
  return {away, 1 - away};
}

TimeInterval Flow::training_interval() const {
  return interval(config_.train_eps, path_.kind() == PathKind::vp ? 1e-5 : 1e-3);
}

TimeInterval Flow::sampling_interval() const { return interval(config_.sample_eps, 1e-3); }

std::vector<double> Flow::sample_times(int64_t n, Generator& rng) const {
  const bool normal = config_.time_sampling == TimeSampling::logit_normal;
  std::vector<double> t = (normal ? rng.normal({n}, DType::f64) : rng.uniform({n}, DType::f64)).to_vector<double>();
  const auto [begin, end] = training_interval();
  for (double& v : t) {
    if (normal) {
      v = 1 / (1 + std::exp(-(config_.logit_mean + config_.logit_scale * v)));
    } else if (config_.time_sampling == TimeSampling::mode) {
      const double c = std::cos(std::numbers::pi / 2 * v);
      v = std::clamp(v + config_.mode_scale * (c * c - 1 + v), 0.0, 1.0);
    }
    v = begin + (end - begin) * shifted(v);
  }
  return t;
}

std::vector<double> Flow::sampling_times(int64_t steps, double begin) const {
  const TimeInterval interval = sampling_interval();
  check<ConfigError>(steps >= 1 && begin >= 0 && begin < interval.end, "[Flow] sampling takes one step or more from a ",
                     "time in [0, ", interval.end, "), got ", steps, " steps from ", begin);
  // So that a later start takes steps like those of the whole way, they are even before the shift.
  const double shift = config_.shift();
  const auto unshifted = [shift](double t) { return t * shift / (1 - t + t * shift); };
  const double first = unshifted(std::max(begin, interval.begin));
  const double step = (unshifted(interval.end) - first) / double(steps);
  std::vector<double> times;
  for (int64_t i = 0; i < steps; ++i) times.push_back(shifted(first + double(i) * step));
  times.push_back(interval.end);
  return times;
}

Tensor Flow::network_times(const std::vector<double>& t) const {
  std::vector<double> scaled = t;
  for (double& v : scaled) v = network_time(v);
  return to(from_vector(scaled), DType::f32);
}

Tensor Flow::interpolate(const Tensor& data, const Tensor& noise, const std::vector<double>& t) const {
  check<ShapeError>(noise.shape() == data.shape() && data.rank() >= 1 && int64_t(t.size()) == data.size(0),
                    "[Flow] data ", data.shape(), ", noise ", noise.shape(), " and ", t.size(),
                    " times do not make a batch");
  if (path_.kind() == PathKind::linear) {
    const Tensor way = per_sample(t, data);
    return (1.0 - way) * noise + way * data;
  }
  return combine(
      data, noise, points_at(path_, t), [](const PathPoint& p) { return p.alpha; },
      [](const PathPoint& p) { return p.sigma; });
}

Tensor Flow::loss_terms(const Denoiser& model, const Tensor& data, const std::vector<double>& t,
                        const Tensor& noise) const {
  const Tensor xt = interpolate(data, noise, t);
  Tensor output = check_output(model(xt, network_times(t)), xt, config_.prediction);
  if (config_.prediction == PredictionKind::score) {
    std::vector<double> sigma;
    for (const double time : t) sigma.push_back(path_.sigma(time));
    output = output * per_sample(sigma, xt);
  }
  const Tensor each = mean_per_sample(square(output - target_of(config_.prediction, path_, data, noise, t)));
  if (config_.weighting == LossWeighting::none) return each;
  std::vector<double> weights;
  for (const double time : t) weights.push_back(weight_at(config_.weighting, path_, time));
  return each * per_sample(weights, each);
}

Loss Flow::loss(const Denoiser& model, const Tensor& data, Generator& rng) const {
  const std::vector<double> t = sample_times(data.size(0), rng);
  const Tensor each = loss_terms(model, data, t, rng.normal(data.shape(), data.dtype()));
  return {mean(each), each.detach(), from_vector(t)};
}

Loss Flow::loss_at(const Network& network, const Tensor& conditions, const Tensor&, const Tensor& data, double progress,
                   Generator& rng) const {
  const auto [begin, end] = training_interval();
  const std::vector<double> t(size_t(data.size(0)), std::clamp(progress, begin, end));
  const auto model = [&](const Tensor& x, const Tensor& time) { return network(x, time, conditions); };
  const Tensor each = loss_terms(model, data, t, rng.normal(data.shape(), data.dtype()));
  return {mean(each), each.detach(), from_vector(t)};
}

Tensor Flow::predict(const Denoiser& model, const Tensor& x, double t, PredictionKind kind) const {
  const Tensor times = network_times(std::vector<double>(size_t(x.size(0)), t));
  const Tensor output = check_output(model(x, times), x, config_.prediction);
  return convert(output, config_.prediction, kind, x, path_.at(t));
}

}  // namespace ditharos::models
