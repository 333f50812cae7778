#include <ditharos/models/diffusion/gaussian.h>

#include <algorithm>
#include <cmath>
#include <numbers>

#include <ditharos/autograd/ops.h>
#include <ditharos/models/diffusion/batch.h>
#include <ditharos/models/diffusion/likelihood.h>

namespace ditharos::models {

namespace {

GaussianConfig validated(const GaussianConfig& config) {
  config.validate();
  return config;
}

std::vector<double> betas_of(const GaussianConfig& config) {
  const std::vector<double> betas = make_betas(config.schedule, config.steps);
  return config.zero_terminal_snr ? rescale_zero_terminal_snr(betas) : betas;
}

}  // namespace

void GaussianConfig::validate() const {
  check<ConfigError>(
      prediction == PredictionKind::eps || prediction == PredictionKind::x0 || prediction == PredictionKind::v,
      "a Gaussian process predicts eps, x0 or v, not ", name_of(prediction));
  check<ConfigError>(!zero_terminal_snr || prediction != PredictionKind::eps,
                     "with zero_terminal_snr the last step is noise alone, and eps says nothing of the data there: "
                     "choose prediction = \"v\" or \"x0\"");
  check<ConfigError>(std::isfinite(min_snr_gamma) && min_snr_gamma >= 0, "min_snr_gamma must be 0 (none) or positive, ",
                     "got ", min_snr_gamma);
  check<ConfigError>(min_snr_gamma == 0 || loss == GaussianLoss::mse || loss == GaussianLoss::rescaled_mse,
                     "min_snr_gamma weights a squared error: it does not go with a loss of kl or rescaled_kl");
}

GaussianDiffusion::GaussianDiffusion(const GaussianConfig& config)
    : config_(validated(config)), tables_(betas_of(config), respaced_steps(config.steps, config.respacing)) {
  for (size_t t = 0; t < tables_.beta.size(); ++t) {
    const double a = tables_.a_bar[t];
    points_.push_back(point_of_a_bar(a));
    log_beta_.push_back(std::log(tables_.beta[t]));
    sqrt_a_bar_.push_back(std::sqrt(a));
    sqrt_noise_.push_back(std::sqrt(1 - a));
    x0_from_xt_.push_back(std::sqrt(1 / a));
    x0_from_noise_.push_back(std::sqrt(1 / a - 1));
  }
  // At step 0, whose posterior variance is 0, the decoder uses that of step 1 (Ho et al. 2020).
  fixed_large_ = log_beta_;
  fixed_large_[0] = tables_.posterior_log_variance[0];
}

const PathPoint& GaussianDiffusion::point(int64_t t) const {
  check<Error>(t >= 0 && t < steps(), "[GaussianDiffusion] a step must be in [0, ", steps(), "), got ", t);
  return points_[size_t(t)];
}

Tensor GaussianDiffusion::at(const std::vector<double>& table, const Tensor& t, const Tensor& x) const {
  check<ShapeError>(x.rank() >= 1 && t.shape() == Shape{x.size(0)}, "[GaussianDiffusion] steps of shape ", t.shape(),
                    " do not fit a batch of shape ", x.shape());
  std::vector<double> values;
  for (const int64_t step : t.to_vector<int64_t>()) {
    check<Error>(step >= 0 && step < steps(), "[GaussianDiffusion] a step must be in [0, ", steps(), "), got ", step);
    values.push_back(table[size_t(step)]);
  }
  return per_sample(values, x);
}

Tensor GaussianDiffusion::q_sample(const Tensor& x0, const Tensor& t, const Tensor& noise) const {
  check<ShapeError>(noise.shape() == x0.shape(), "[q_sample] noise of shape ", noise.shape(),
                    " does not fit data of shape ", x0.shape());
  return at(sqrt_a_bar_, t, x0) * x0 + at(sqrt_noise_, t, x0) * noise;
}

Tensor GaussianDiffusion::posterior_mean(const Tensor& x0, const Tensor& xt, const Tensor& t) const {
  return at(tables_.posterior_x0, t, xt) * x0 + at(tables_.posterior_xt, t, xt) * xt;
}

GaussianDiffusion::Prediction GaussianDiffusion::predict(const Tensor& output, const Tensor& xt, const Tensor& t,
                                                         bool clip) const {
  const bool learned = config_.variance == Variance::learned_range;
  Shape wanted = xt.shape();
  wanted[1] *= learned ? 2 : 1;
  const char* what = config_.prediction == PredictionKind::eps ? "noise" : name_of(config_.prediction);
  check<ShapeError>(output.shape() == wanted, "[GaussianDiffusion] the network must return shape ", wanted, " (", what,
                    learned ? " and range of the variance" : "", "), got ", output.shape());
  Prediction p;
  p.output = learned ? slice(output, 1, 0, xt.size(1)) : output;
  if (learned) {
    const Tensor fraction = (slice(output, 1, xt.size(1), wanted[1]) + 1.0) * .5;
    const Tensor low = at(tables_.posterior_log_variance, t, xt), high = at(log_beta_, t, xt);
    p.log_variance = fraction * high + (1.0 - fraction) * low;
  } else {
    const bool large = config_.variance == Variance::fixed_large;
    p.log_variance = expand(at(large ? fixed_large_ : tables_.posterior_log_variance, t, xt), xt.shape());
  }
  if (config_.prediction == PredictionKind::eps) {  // rounded as in the released code
    const Tensor from_xt = at(x0_from_xt_, t, xt) * xt, from_noise = at(x0_from_noise_, t, xt);
    p.noise = p.output;
    p.x0 = from_xt - from_noise * p.noise;
    if (clip) {
      p.x0 = clamp(p.x0, -1, 1);
      p.noise = (from_xt - p.x0) / from_noise;
    }
  } else {
    const std::vector<PathPoint> points = points_at(t);
    p.x0 = convert(p.output, config_.prediction, PredictionKind::x0, xt, points);
    if (clip) p.x0 = clamp(p.x0, -1, 1);
    p.noise = clip ? convert(p.x0, PredictionKind::x0, PredictionKind::eps, xt, points)
                   : convert(p.output, config_.prediction, PredictionKind::eps, xt, points);
  }
  p.mean = posterior_mean(p.x0, xt, t);
  return p;
}

Tensor GaussianDiffusion::bound(const Prediction& p, const Tensor& data, const Tensor& xt, const Tensor& t) const {
  const Tensor true_log_variance = at(tables_.posterior_log_variance, t, data);
  const Tensor kl = normal_kl(posterior_mean(data, xt, t), true_log_variance, p.mean, p.log_variance);
  Tensor bound = mean_per_sample(kl);
  const Tensor at_data = equal(t, scalar(0, DType::i64));
  bool any_at_data = false;
  for (const int64_t step : t.to_vector<int64_t>()) any_at_data |= step == 0;
  if (any_at_data) bound = where(at_data, mean_per_sample(discretized_normal_nll(data, p.mean, p.log_variance)), bound);
  return bound / std::numbers::ln2;  // nats to bits
}

double GaussianDiffusion::loss_weight(int64_t t) const {
  if (config_.min_snr_gamma == 0) return 1;
  const PathPoint& at_step = point(t);
  // An error of the prediction is an error of x0 times this.
  const double to_x0 = conversion(config_.prediction, PredictionKind::x0, at_step).of_prediction;
  return std::min(at_step.snr(), config_.min_snr_gamma) * to_x0 * to_x0;
}

GaussianDiffusion::Terms GaussianDiffusion::loss_terms(const Denoiser& model, const Tensor& data, const Tensor& t,
                                                       const Tensor& noise) const {
  const Tensor xt = q_sample(data, t, noise);
  Prediction p = predict(model(xt, network_times(t)), xt, t);
  const bool squared = config_.loss == GaussianLoss::mse || config_.loss == GaussianLoss::rescaled_mse;
  Tensor target = noise;
  if (config_.prediction == PredictionKind::x0) target = data;
  if (config_.prediction == PredictionKind::v)
    target = at(sqrt_a_bar_, t, data) * noise - at(sqrt_noise_, t, data) * data;

  Terms terms;
  terms.mse = mean_per_sample(square(target - (squared ? p.output : p.output.detach())));
  if (!squared) {
    terms.vb = bound(p, data, xt, t);
    if (config_.loss == GaussianLoss::rescaled_kl) terms.vb = terms.vb * double(steps());
    terms.loss = terms.vb;
    return terms;
  }
  terms.loss = terms.mse;
  if (config_.min_snr_gamma > 0) {
    std::vector<double> weights;
    for (const int64_t step : t.to_vector<int64_t>()) weights.push_back(loss_weight(step));
    terms.loss = terms.mse * per_sample(weights, terms.mse);
  }
  if (config_.variance == Variance::learned_range) {
    p.mean = p.mean.detach();
    terms.vb = bound(p, data, xt, t);
    if (config_.loss == GaussianLoss::rescaled_mse) terms.vb = terms.vb * (double(steps()) / 1000);
    terms.loss = terms.loss + terms.vb;
  }
  return terms;
}

Tensor GaussianDiffusion::network_times(const Tensor& t) const {
  std::vector<double> times;
  for (const int64_t step : t.to_vector<int64_t>()) times.push_back(network_time(step));
  return to(from_vector(times), DType::f32);
}

std::vector<PathPoint> GaussianDiffusion::points_at(const Tensor& t) const {
  std::vector<PathPoint> points;
  for (const int64_t step : t.to_vector<int64_t>()) points.push_back(point(step));
  return points;
}

Loss GaussianDiffusion::loss(const Denoiser& model, const Tensor& data, Generator& rng) const {
  return loss_of_steps(model, data, rng.randint(0, steps(), {data.size(0)}), rng);
}

Loss GaussianDiffusion::loss_at(const Network& network, const Tensor& conditions, const Tensor&, const Tensor& data,
                                double progress, Generator& rng) const {
  const double step = std::clamp(std::floor((1 - progress) * double(steps())), 0.0, double(steps() - 1));
  return loss_of_steps([&](const Tensor& x, const Tensor& t) { return network(x, t, conditions); }, data,
                       full({data.size(0)}, step, DType::i64), rng);
}

Loss GaussianDiffusion::loss_of_steps(const Denoiser& model, const Tensor& data, const Tensor& t,
                                      Generator& rng) const {
  const Tensor noise = rng.normal(data.shape(), data.dtype());
  const Tensor each = loss_terms(model, data, t, noise).loss;
  std::vector<double> way;
  for (const int64_t step : t.to_vector<int64_t>()) way.push_back(progress(network_time(step)));
  return {mean(each), each.detach(), from_vector(way)};
}

}  // namespace ditharos::models
