// Negative logarithms of likelihoods: of counts and of normal variables.
#include <cmath>
#include <numbers>

#include <ditharos/autograd/ops.h>
#include <ditharos/autograd/ops/losses/checked.h>

namespace ditharos {
namespace {

constexpr double log_two_pi = 1.8378770664093454835606594728112;

/// log t! by Stirling's formula for t > 1, else 0.
Tensor stirling(const Tensor& t) {
  const Tensor large = t > 1.0, safe = where(large, t, 1);  // so that no logarithm of 0 has a gradient
  return where(large, safe * log(safe) - safe + log(safe) * .5 + log_two_pi / 2, 0);
}

/// The variances in a shape that broadcasts to that of x.
Tensor aligned(const char* op, const Tensor& x, const Tensor& variance) {
  if (variance.shape() == x.shape()) return variance;
  Shape shorter = x.shape();
  if (x.rank() > 0) shorter.erase(x.rank() - 1);
  if (x.rank() > 0 && variance.shape() == shorter) return unsqueeze(variance, -1);
  int differing = 0;
  bool fit = variance.rank() == x.rank();
  for (int axis = 0; fit && axis < x.rank(); ++axis)
    if (variance.size(axis) != x.size(axis)) ++differing, fit = variance.size(axis) == 1;
  check<ShapeError>(fit && differing == 1, "[", op, "] the variances must have the shape of the prediction, ",
                    x.shape(), ", without its last axis or with one axis of size 1; got ", variance.shape());
  return variance;
}

}  // namespace

Tensor poisson_nll_loss(const Tensor& prediction, const Tensor& target, const PoissonNllOptions& options) {
  const char* op = "poisson_nll_loss";
  check_pair(op, prediction, target);
  Tensor losses =
      options.log_input ? exp(prediction) - target * prediction : prediction - target * log(prediction + options.eps);
  if (options.full) losses = losses + stirling(target);
  return reduced_losses(op, losses, options.reduction);
}

Tensor gaussian_nll_loss(const Tensor& x, const Tensor& target, const Tensor& variance,
                         const GaussianNllOptions& options) {
  const char* op = "gaussian_nll_loss";
  check_pair(op, x, target);
  check_one_dtype(op, "the prediction", x, "the variance", variance);
  check<ConfigError>(options.eps > 0, "[", op, "] eps must be positive, got ", options.eps);
  const Tensor spread = aligned(op, x, variance), plain = spread.detach(), small = plain < options.eps;
  check(any(plain < 0.0).item() == 0, "[", op, "] a variance is negative");
  // The value eps with the gradient of the variance, as in PyTorch.
  const Tensor v = any(small).item() != 0 ? where(small, spread + (options.eps - plain), spread) : spread;
  Tensor losses = (log(v) + square(x - target) / v) * .5;
  if (options.full) losses = losses + log_two_pi / 2;
  return reduced_losses(op, losses, options.reduction);
}

Tensor gaussian_nll_loss(const Tensor& x, const Tensor& target, double variance, const GaussianNllOptions& options) {
  check_floating("gaussian_nll_loss", x.dtype());
  return gaussian_nll_loss(x, target, full(x.shape(), variance, x.dtype()), options);
}

}  // namespace ditharos
