#include <ditharos/autograd/ops/detail/normalized.h>

#include <limits>

#include <ditharos/autograd/grad_mode.h>
#include <ditharos/tensor/kernels/pointwise/pointwise.h>

namespace ditharos {
namespace {

/// The largest |x| of the rows whose sums overflow, 1 for the others: constants, which cancel out.
Tensor units(const Tensor& x, const Tensor& spread, const Axes& axes) {
  const NoGrad guard;
  const Tensor finite = less(spread, scalar(std::numeric_limits<double>::infinity(), x.dtype()));  // false for NaN too
  return where(finite, scalar(1, x.dtype()), amax(abs(x), axes, true));
}

}  // namespace

Tensor normalized(const Tensor& x, const Axes& axes, double eps, bool centred) {
  const auto deviations = [&](const Tensor& v) { return centred ? v - mean(v, axes, true) : v; };
  const Tensor away = deviations(x), spread = mean(square(away), axes, true);
  if (kernels::all_finite(spread) || !kernels::all_finite(x)) return away * rsqrt(spread + eps);
  const Tensor unit = units(x, spread, axes), scaled = deviations(x / unit);
  return scaled * rsqrt(mean(square(scaled), axes, true) + reciprocal(square(unit)) * eps);
}

}  // namespace ditharos
