// Composite reductions: variance, norms, log-sum-exp, products; and running sums.
#include <cmath>
#include <limits>

#include <ditharos/autograd/grad_mode.h>
#include <ditharos/autograd/node.h>
#include <ditharos/autograd/ops.h>
#include <ditharos/autograd/ops/detail/axes.h>
#include <ditharos/autograd/ops/detail/running_sum.h>
#include <ditharos/tensor/kernels/pointwise/pointwise.h>
#include <ditharos/tensor/kernels/reduce/extremum.h>
#include <ditharos/tensor/kernels/reduce/reduce.h>
#include <ditharos/tensor/kernels/reduce/scan.h>
#include <ditharos/tensor/kernels/reduce/softmax.h>

namespace ditharos {
namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();

/// Along the last axis.
Tensor log_sum_exp_of_rows(const Tensor& x) {
  // dx = g softmax(x); 0 in a row of minus infinities, equal shares for plus infinities.
  return record("logsumexp", kernels::log_sum_exp(x), {x}, save_inputs | save_output, each([](const Backward& d) {
                  const Tensor in = d.input(0), y = unsqueeze(d.output().detach(), -1), g = unsqueeze(d.grad(), -1);
                  if (kernels::all_finite(y)) return g * softmax(in, -1);
                  const Tensor zero = scalar(0, y.dtype()), top = scalar(infinity, y.dtype()), bottom = -top;
                  const Tensor infinite = logical_or(equal(y, top), equal(y, bottom));
                  const Tensor largest = logical_and(equal(in, y), equal(y, top));
                  const Tensor share = where(largest, g / to(sum(largest, {-1}, true), y.dtype()), zero);
                  return where(infinite, share, g * softmax(where(infinite, zero, in), -1));
                }),
                [](const Tangents& d) { return sum(d.gradient(ones_like(d.output())) * d[0], {-1}); });
}

/// (sum |x|^p)^(1/p) along the last axis, kept. Rows whose powers overflow or vanish are taken in units of their
/// largest element.
Tensor norm_kernel(const Tensor& x, double p) {
  const NoGrad guard;
  const DType dtype = x.dtype();
  const auto power_sum = [p](const Tensor& v) { return sum(pow(abs(v), p), {-1}, true); };
  const Tensor total = power_sum(x), plain = pow(total, 1 / p);
  const Tensor least = scalar(dtype == DType::f32 ? 1e-30 : 1e-290, dtype), zero = scalar(0, dtype);
  const Tensor top = scalar(infinity, dtype), exact = logical_and(greater_equal(total, least), less(total, top));
  if (x.size(-1) == 0 || sum(exact).item() == double(exact.numel())) return plain;
  const Tensor largest = kernels::amax(abs(x), -1, true);
  const Tensor usable = logical_and(greater(largest, zero), less(largest, top));
  const Tensor unit = where(usable, largest, scalar(1, dtype));
  return where(exact, plain, pow(power_sum(x / unit), 1 / p) * unit);
}

/// Along the last axis, kept.
Tensor norm_of_rows(const Tensor& x, double p) {
  // dx = g sign(x) (|x| / y)^(p-1), which no scale overflows; 0 where x is 0, at every order, although the power may
  // be infinite there: a subgradient.
  return record("norm", norm_kernel(x, p), {x}, save_inputs | save_output, each([p](const Backward& d) {
                  const Tensor in = d.input(0), zero = scalar(0, in.dtype()), one = scalar(1, in.dtype());
                  const Tensor y = where(equal(d.output(), zero), one, d.output());
                  const Tensor at_zero = p == 2 ? equal(d.output(), zero) : equal(in, zero);
                  const Tensor share = where(at_zero, one, p == 2 ? in : abs(in)) / y;
                  const Tensor slope = p == 2 ? share : kernels::unary(kernels::Unary::sign, in) * pow(share, p - 1);
                  return where(at_zero, zero, d.grad() * slope);
                }),
                [](const Tangents& d) { return sum(d.gradient(ones_like(d.output())) * d[0], {-1}, true); });
}

/// Along the last axis: halves are multiplied with each other in log2(n) operations; zeros need no special case.
Tensor product_of_rows(Tensor x) {
  while (x.size(-1) > 1) {
    const int64_t n = x.size(-1), half = n / 2;
    const Tensor halved = slice(x, -1, 0, half) * slice(x, -1, half, 2 * half);
    x = n % 2 == 0 ? halved : cat({halved, slice(x, -1, n - 1, n)}, -1);
  }
  return squeeze(x, -1);
}

/// Number of elements of which each result takes the spread.
int64_t spread_count(const char* op, const Tensor& x, const Axes& axes, int64_t correction) {
  check_floating(op, x.dtype());
  const int64_t n = ReducedAxes(op, x.shape(), axes).count();
  check<ShapeError>(n > correction && n > 0, "[", op, "] shape ", x.shape(), " gives ", n,
                    " elements for each result; with the correction ", correction, " more are needed");
  return n;
}

/// Subtracts the mean of the differences too: it is the rounding error of the mean, so equal elements have variance 0.
Tensor centred(const Tensor& x, const Axes& axes) {
  const Tensor near = x - mean(x, axes, true);
  return near - mean(near, axes, true);
}

}  // namespace

Tensor variance(const Tensor& x, const Axes& axes, bool keepdim, int64_t correction) {
  const int64_t n = spread_count("variance", x, axes, correction);
  return sum(square(centred(x, axes)), axes, keepdim) / double(n - correction);
}

Tensor standard_deviation(const Tensor& x, const Axes& axes, bool keepdim, int64_t correction) {
  const int64_t n = spread_count("standard_deviation", x, axes, correction);
  return norm(centred(x, axes), 2, axes, keepdim) / std::sqrt(double(n - correction));
}

Tensor norm(const Tensor& x, double p, const Axes& axes, bool keepdim) {
  check_floating("norm", x.dtype());
  check<ConfigError>(p > 0, "[norm] p must be positive, got ", p);
  const int64_t n = ReducedAxes("norm", x.shape(), axes).count();
  check<ShapeError>(n > 0 || !std::isinf(p), "[norm] shape ", x.shape(), " has no elements along ", axes,
                    ", so none is the largest");
  if (p == 1) return sum(abs(x), axes, keepdim);
  if (std::isinf(p)) return amax(abs(x), axes, keepdim);
  const ReducedAxes reduced("norm", x.shape(), axes);
  return reshape(norm_of_rows(reduced.merged(x), p), reduced.result_shape(keepdim));
}

Tensor logsumexp(const Tensor& x, const AxisOrAxes& axes, bool keepdim) {
  check_floating("logsumexp", x.dtype());
  const ReducedAxes reduced("logsumexp", x.shape(), axes);
  const Tensor rows = reduced.merged(x);
  // The sum of nothing is 0, its logarithm minus infinity.
  return reshape(reduced.count() == 0 ? log(sum(rows, {-1})) : log_sum_exp_of_rows(rows),
                 reduced.result_shape(keepdim));
}

Tensor prod(const Tensor& x, const AxisOrAxes& axes, bool keepdim) {
  const ReducedAxes reduced("prod", x.shape(), axes);
  if (!is_floating(x.dtype()) && x.dtype() != DType::i64) return prod(to(x, DType::i64), axes, keepdim);
  const Tensor rows = reduced.merged(x);
  // The product of nothing is 1.
  return reshape(reduced.count() == 0 ? sum(rows, {-1}) + 1.0 : product_of_rows(rows), reduced.result_shape(keepdim));
}

Tensor running_sum(const Tensor& x, int axis, bool from_end) {
  axis = normalize_axis("cumsum", axis, x.rank());
  // Element i went into all sums from i on: the gradient is the running sum from the other end.
  return record("cumsum", kernels::cumsum(x, axis, from_end), {x}, save_nothing,
                each([=](const Backward& d) { return running_sum(d.grad(), axis, !from_end); }),
                [&](const Tangents& d) { return running_sum(d[0], axis, from_end); });
}

Tensor cumsum(const Tensor& x, int axis) { return running_sum(x, axis, false); }

}  // namespace ditharos
