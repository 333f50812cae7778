#include <ditharos/autograd/ops/detail/normalized.h>

#include <algorithm>
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

std::vector<Tensor> merged_operands(const char* op, const Tensor& x, const Shape& sizes,
                                    const std::vector<Tensor>& factors) {
  const int axes = sizes.rank(), leading = x.rank() - axes;
  check<ShapeError>(
      axes >= 1 && leading >= 0 && Shape(x.shape().end() - std::min(axes, x.rank()), x.shape().end()) == sizes, "[", op,
      "] x of shape ", x.shape(), " has no last axes of sizes ", sizes);
  Shape merged(x.shape().begin(), x.shape().begin() + leading);
  merged.push_back(numel(sizes));
  std::vector<Tensor> all{reshape(x, merged)};
  for (const Tensor& factor : factors) {
    check<ShapeError>(!factor.defined() || factor.shape() == sizes, "[", op, "] weight and bias must be ", sizes,
                      ", got ", factor.defined() ? factor.shape() : sizes);
    all.push_back(factor.defined() ? reshape(factor, {numel(sizes)}) : factor);
  }
  return all;
}

}  // namespace ditharos
