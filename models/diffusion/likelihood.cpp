#include <ditharos/models/diffusion/likelihood.h>

#include <cmath>
#include <numbers>

#include <ditharos/autograd/ops.h>

namespace ditharos::models {
namespace {

/// Phi(x) ~ (1 + tanh(sqrt(2/pi) (x + .044715 x^3))) / 2.
Tensor normal_cdf(const Tensor& x) {
  const double root = std::sqrt(2 / std::numbers::pi);
  return (tanh((x + square(x) * x * .044715) * root) + 1.0) * .5;
}

Tensor log_probability(const Tensor& p) { return log(clamp(p, 1e-12, 1)); }

}  // namespace

Tensor normal_kl(const Tensor& mean1, const Tensor& log_variance1, const Tensor& mean2, const Tensor& log_variance2) {
  const Tensor difference = square(mean1 - mean2) * exp(-log_variance2);
  return (log_variance2 - log_variance1 + exp(log_variance1 - log_variance2) + difference - 1.0) * .5;
}

Tensor discretized_normal_nll(const Tensor& x, const Tensor& mean, const Tensor& log_variance) {
  const double half_bin = 1.0 / 255;
  const Tensor centred = x - mean, inverse_deviation = exp(log_variance * -.5);
  const Tensor below_upper = normal_cdf(inverse_deviation * (centred + half_bin));
  const Tensor below_lower = normal_cdf(inverse_deviation * (centred - half_bin));
  // The outermost bins reach to infinity.
  const double edge = .999;
  const Tensor inner = log_probability(below_upper - below_lower);
  const Tensor darkest = log_probability(below_upper), brightest = log_probability(1.0 - below_lower);
  const Tensor low = less(x, scalar(-edge, x.dtype())), high = greater(x, scalar(edge, x.dtype()));
  return -where(low, darkest, where(high, brightest, inner));
}

}  // namespace ditharos::models
