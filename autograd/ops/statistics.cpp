// Reductions made of others: variance, norms, log-sum-exp, products; and running sums.
#include <cmath>

#include <ditharos/autograd/node.h>
#include <ditharos/autograd/ops.h>
#include <ditharos/autograd/ops/axes.h>
#include <ditharos/tensor/kernels/reduce.h>
#include <ditharos/tensor/kernels/scan.h>

namespace ditharos {
namespace {

/// f(total), and where the total is 0 the value 0 with the gradient 0, although f is steep there: a root's subgradient.
template <class F>
Tensor zero_at_zero(const Tensor& total, const F& f) {
  const Tensor zero = scalar(0, total.dtype()), at_zero = equal(total, zero);
  return where(at_zero, zero, f(where(at_zero, scalar(1, total.dtype()), total)));
}

/// Along the last axis.
Tensor log_sum_exp_of_rows(const Tensor& x) {
  // The maximum is a shift that cancels, so it needs no gradient; where it is infinite, shifting would give NaN.
  const Tensor top = kernels::amax(x, -1, true), zero = scalar(0, x.dtype());
  const Tensor shift = where(equal(top - top, zero), top, zero);
  return squeeze(log(sum(exp(x - shift), {-1}, true)) + shift, -1);
}

/// Along the last axis: halves are multiplied with each other, so log2(n) operations do, and zeros need no care.
Tensor product_of_rows(Tensor x) {
  while (x.size(-1) > 1) {
    const int64_t n = x.size(-1), half = n / 2;
    const Tensor halved = slice(x, -1, 0, half) * slice(x, -1, half, 2 * half);
    x = n % 2 == 0 ? halved : cat({halved, slice(x, -1, n - 1, n)}, -1);
  }
  return squeeze(x, -1);
}

Tensor variance_of(const char* op, const Tensor& x, const Axes& axes, bool keepdim, int64_t correction) {
  check_floating(op, x.dtype());
  const int64_t n = ReducedAxes(op, x.shape(), axes).count();
  check<ShapeError>(n > correction && n > 0, "[", op, "] shape ", x.shape(), " gives ", n,
                    " elements for each result; with the correction ", correction, " more are needed");
  const Tensor spread = mean(square(x - mean(x, axes, true)), axes, keepdim);
  return correction == 0 ? spread : spread * (double(n) / double(n - correction));
}

}  // namespace

Tensor variance(const Tensor& x, const Axes& axes, bool keepdim, int64_t correction) {
  return variance_of("variance", x, axes, keepdim, correction);
}

Tensor standard_deviation(const Tensor& x, const Axes& axes, bool keepdim, int64_t correction) {
  return zero_at_zero(variance_of("standard_deviation", x, axes, keepdim, correction), sqrt);
}

Tensor norm(const Tensor& x, double p, const Axes& axes, bool keepdim) {
  check_floating("norm", x.dtype());
  check<ConfigError>(p > 0, "[norm] p must be positive, got ", p);
  const int64_t n = ReducedAxes("norm", x.shape(), axes).count();
  check<ShapeError>(n > 0 || !std::isinf(p), "[norm] shape ", x.shape(), " has no elements along ", axes,
                    ", so none is the largest");
  if (p == 1) return sum(abs(x), axes, keepdim);
  if (p == 2) return zero_at_zero(sum(square(x), axes, keepdim), sqrt);
  if (std::isinf(p)) return amax(abs(x), axes, keepdim);
  return zero_at_zero(sum(pow(abs(x), p), axes, keepdim), [p](const Tensor& total) { return pow(total, 1 / p); });
}

Tensor logsumexp(const Tensor& x, const Axes& axes, bool keepdim) {
  check_floating("logsumexp", x.dtype());
  const ReducedAxes reduced("logsumexp", x.shape(), axes);
  const Tensor rows = reduced.merged(x);
  // The sum of nothing is 0, its logarithm minus infinity.
  return reshape(reduced.count() == 0 ? log(sum(rows, {-1})) : log_sum_exp_of_rows(rows),
                 reduced.result_shape(keepdim));
}

Tensor prod(const Tensor& x, const Axes& axes, bool keepdim) {
  const ReducedAxes reduced("prod", x.shape(), axes);
  const Tensor rows = reduced.merged(x);
  // The product of nothing is 1.
  return reshape(reduced.count() == 0 ? sum(rows, {-1}) + 1.0 : product_of_rows(rows), reduced.result_shape(keepdim));
}

Tensor cumsum(const Tensor& x, int axis) {
  axis = normalize_axis("cumsum", axis, x.rank());
  // Element i went into all sums from i on: the gradient is the running sum from the other end.
  return record("cumsum", kernels::cumsum(x, axis), {x}, save_nothing,
                each([axis](const Backward& d) { return flip(cumsum(flip(d.grad(), {axis}), axis), {axis}); }));
}

}  // namespace ditharos
