#include <ditharos/models/samplers/multistep/dpm_solver.h>

#include <cmath>

#include <ditharos/autograd/ops.h>
#include <ditharos/nn/inference.h>

namespace ditharos::models {
namespace {

constexpr int64_t few_steps = 15;  // with fewer, the last step of order 2 is not stable

}  // namespace

void DpmSolverOptions::validate() const {
  check<ConfigError>(order == 1 || order == 2, "the order of DPM-Solver++ must be 1 or 2, got ", order);
}

DpmSolver::DpmSolver(std::vector<PathPoint> points, const DpmSolverOptions& options)
    : points_(std::move(points)), options_(options) {
  options.validate();
  check_solver_points("DpmSolver", points_);
}

Tensor DpmSolver::step(const Tensor& x, const Tensor& data, const Tensor& noise) {
  check<Error>(int64_t(index_) < steps(), "[DpmSolver] all ", steps(), " steps are taken");
  check_shape_of_x("DpmSolver", "the predicted data", data, x);
  if (options_.stochastic) check_shape_of_x("DpmSolver", "the noise", noise, x);
  const nn::InferenceMode inference;
  const PathPoint &from = points_[index_], &to = points_[index_ + 1];
  const double h = half_log_snr(to) - half_log_snr(from);  // infinite from pure noise, and to data
  const double before = index_ > 0 ? half_log_snr(from) - half_log_snr(points_[index_ - 1]) : INFINITY;
  const bool lower = options_.lower_order_final && int64_t(index_) + 1 == steps() && steps() < few_steps;
  Tensor mean = data;  // the data's mean over the step, extrapolated from the newest two predictions
  if (options_.order == 2 && !lower && std::isfinite(h) && std::isfinite(before))
    mean = data + (data - previous_) * (.5 * h / before);
  previous_ = data;
  ++index_;
  const double keep = to.sigma / from.sigma;
  if (!options_.stochastic) return x * keep - mean * (to.alpha * std::expm1(-h));
  const double fresh = -std::expm1(-2 * h);  // the share of the noise's variance that this step draws
  const Tensor next = x * (keep * std::exp(-h)) + mean * (to.alpha * fresh);
  return to.sigma == 0 ? next : next + noise * (to.sigma * std::sqrt(fresh));
}

}  // namespace ditharos::models
