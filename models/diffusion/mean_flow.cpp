#include <ditharos/models/diffusion/mean_flow.h>

#include <algorithm>
#include <cmath>

#include <ditharos/autograd/forward_mode.h>
#include <ditharos/autograd/grad_mode.h>
#include <ditharos/autograd/ops.h>
#include <ditharos/models/diffusion/batch.h>
#include <ditharos/tensor/draws/batch_rows.h>

namespace ditharos::models {
namespace {

Tensor check_output(Tensor output, const Tensor& x) {
  check<ShapeError>(output.shape() == x.shape(), "[MeanFlow] the network must return an average velocity of shape ",
                    x.shape(), ", got ", output.shape());
  return output;
}

/// [B, 1, ..., 1] of booleans: the sample has no condition.
Tensor without_condition(const Tensor& conditions, const Tensor& nothing, const Tensor& x) {
  const Tensor same = reshape(equal(conditions, nothing), {conditions.size(0), -1});
  Shape shape = Shape::filled(x.rank(), 1);
  shape[0] = x.size(0);
  return reshape(equal(sum(to(same, DType::i64), {1}), scalar(double(same.size(1)), DType::i64)), shape);
}

}  // namespace

void MeanFlowConfig::validate() const {
  check<ConfigError>(interval_share >= 0 && interval_share <= 1, "interval_share must be in [0, 1], got ",
                     interval_share);
  check<ConfigError>(adaptive_power >= 0 && adaptive_power <= 10, "adaptive_power must be in [0, 10], got ",
                     adaptive_power);
  check<ConfigError>(adaptive_offset > 0 && std::isfinite(adaptive_offset), "adaptive_offset must be positive, got ",
                     adaptive_offset);
  check<ConfigError>(omega >= 0 && std::isfinite(omega), "omega must be 0 or more, got ", omega);
  check<ConfigError>(kappa >= 0 && kappa < 1, "kappa must be in [0, 1), got ", kappa);
}

MeanFlow::MeanFlow(const FlowConfig& times, const MeanFlowConfig& config) : flow_(times), config_(config) {
  config.validate();
  check<ConfigError>(times.path == PathKind::linear && times.prediction == PredictionKind::velocity &&
                         times.weighting == LossWeighting::none,
                     "mean_flow is trained on the linear path, predicts a velocity, and has no loss weighting");
}

MeanFlow::Intervals MeanFlow::sample_intervals(int64_t n, Generator& rng) const {
  Intervals all{flow_.sample_times(n, rng), flow_.sample_times(n, rng)};
  const RowRange rows = batch_rows(n);
  const int64_t intervals = std::llround(config_.interval_share * double(rows.total));
  for (size_t i = 0; i < size_t(n); ++i) {
    if (all.begin[i] > all.end[i]) std::swap(all.begin[i], all.end[i]);
    if (rows.first + int64_t(i) >= intervals) all.end[i] = all.begin[i];
  }
  return all;
}

Tensor MeanFlow::network_times(const std::vector<double>& begin, const std::vector<double>& end,
                               const Tensor& like) const {
  std::vector<double> times;
  for (size_t i = 0; i < begin.size(); ++i) {
    times.push_back(flow_.network_time(begin[i]));
    times.push_back(flow_.network_time(end[i]));
  }
  return to(from_vector(times, {int64_t(begin.size()), 2}), like.dtype());
}

Loss MeanFlow::loss(const Denoiser& model, const Tensor& data, Generator& rng) const {
  return conditional_loss([&](const Tensor& x, const Tensor& t, const Tensor&) { return model(x, t); }, {}, {}, data,
                          rng);
}

Loss MeanFlow::conditional_loss(const Network& network, const Tensor& conditions, const Tensor& null_condition,
                                const Tensor& data, Generator& rng) const {
  const Intervals intervals = sample_intervals(data.size(0), rng);
  const Tensor noise = rng.normal(data.shape(), data.dtype());
  const Tensor velocity = training_velocity(network, conditions, null_condition, data, noise, intervals.begin);
  const Tensor each = loss_terms([&](const Tensor& x, const Tensor& t) { return network(x, t, conditions); }, data,
                                 intervals, noise, velocity);
  return {mean(each), each.detach(), from_vector(intervals.begin)};
}

Loss MeanFlow::loss_at(const Network& network, const Tensor& conditions, const Tensor& null_condition,
                       const Tensor& data, double progress, Generator& rng) const {
  MeanFlowConfig plain = config_;
  plain.adaptive_power = 0;
  const auto batch = size_t(data.size(0));
  Intervals intervals{std::vector<double>(batch, progress), std::vector<double>(batch, progress)};
  const auto with_length = size_t(std::llround(config_.interval_share * double(batch)));
  for (size_t i = 0; i < with_length; ++i) intervals.end[i] += (1 - progress) * rng.uniform();
  const Tensor noise = rng.normal(data.shape(), data.dtype());
  const Tensor velocity = training_velocity(network, conditions, null_condition, data, noise, intervals.begin);
  const auto model = [&](const Tensor& x, const Tensor& t) { return network(x, t, conditions); };
  const Tensor each = MeanFlow(flow_.config(), plain).loss_terms(model, data, intervals, noise, velocity) /
                      (double(data.numel()) / double(batch));
  return {mean(each), each.detach(), from_vector(intervals.begin)};
}

Tensor MeanFlow::training_velocity(const Network& network, const Tensor& conditions, const Tensor& null_condition,
                                   const Tensor& data, const Tensor& noise, const std::vector<double>& t) const {
  const NoGrad constant;
  const Tensor velocity = data - noise;
  if (!config_.guided() || !conditions.defined()) return velocity;
  const Tensor xt = flow_.interpolate(data, noise, t);
  const Tensor nothing = no_condition(conditions, null_condition), times = network_times(t, t, xt);
  Tensor guided = velocity * config_.omega;
  const double rest = 1 - config_.omega - config_.kappa;
  if (rest != 0) guided = guided + check_output(network(xt, times, nothing), xt) * rest;
  if (config_.kappa != 0) guided = guided + check_output(network(xt, times, conditions), xt) * config_.kappa;
  return where(without_condition(conditions, nothing, xt), velocity, guided);
}

Tensor MeanFlow::loss_terms(const Denoiser& model, const Tensor& data, const Intervals& intervals, const Tensor& noise,
                            const Tensor& velocity) const {
  check<ShapeError>(velocity.shape() == data.shape(), "[MeanFlow] the velocity has shape ", velocity.shape(),
                    ", the data ", data.shape());
  const Tensor xt = flow_.interpolate(data, noise, intervals.begin);
  const Tensor times = network_times(intervals.begin, intervals.end, xt);
  // dt/dt = 1, and the end r does not move.
  const Tensor direction =
      expand(to(from_vector<double>({flow_.network_time(1), 0}, {1, 2}), xt.dtype()), times.shape());
  Tensor u, slope;  // u(x_t, t, r) and du/dt
  {
    const DualLevel level({.record_tangents = false, .save_tangents = false});
    u = check_output(model(make_dual(xt, velocity.detach()), make_dual(times, direction)), xt);
    slope = tangent_of(u);
  }
  std::vector<double> lengths;
  for (size_t i = 0; i < intervals.begin.size(); ++i) lengths.push_back(intervals.end[i] - intervals.begin[i]);
  Tensor target = velocity.detach();
  if (slope.defined()) target = target + per_sample(lengths, xt) * slope;
  const Tensor error = sum(reshape(square(u - target), {xt.size(0), -1}), {1});  // [B]
  if (config_.adaptive_power == 0) return error;
  return error / pow(error.detach() + config_.adaptive_offset, config_.adaptive_power);
}

Tensor MeanFlow::average_velocity(const Denoiser& model, const Tensor& x, double t, double r) const {
  const std::vector<double> begin(size_t(x.size(0)), t), end(size_t(x.size(0)), r);
  return check_output(model(x, network_times(begin, end, x)), x);
}

}  // namespace ditharos::models
