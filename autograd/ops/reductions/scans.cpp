// Running products, log-sum-exps and extremes, and differences.
#include <limits>

#include <ditharos/autograd/grad_mode.h>
#include <ditharos/autograd/node.h>
#include <ditharos/autograd/ops.h>
#include <ditharos/autograd/ops/detail/running_sum.h>
#include <ditharos/tensor/kernels/reduce/scan.h>

namespace ditharos {
namespace {

/// The running product in log2(n) products: after step k an element holds the product of the last 2^k elements.
Tensor product_by_doubling(Tensor y, int axis) {
  const int64_t n = y.size(axis);
  for (int64_t shift = 1; shift < n; shift *= 2) {
    Shape first = y.shape();
    first[axis] = shift;
    y = y * cat({ones(first, y.dtype()), slice(y, axis, 0, n - shift)}, axis);
  }
  return y;
}

}  // namespace

Tensor cumprod(const Tensor& x, int axis) {
  axis = normalize_axis("cumprod", axis, x.rank());
  // dx_i = sum_{j >= i} g_j y_j / x_i; where a factor or a product is 0, from products that leave out x_i.
  const auto composite =
      derivative_of([axis](const std::vector<Tensor>& in) { return product_by_doubling(in[0], axis); });
  const auto rule = [axis, composite](const Backward& d) -> Grads {
    const Tensor in = d.input(0), y = d.output();
    const auto has_zeros = [](const Tensor& v) {
      const NoGrad guard;
      return all(logical_and(not_equal(v, 0), isfinite(v))).item() == 0;
    };
    if (has_zeros(y) || has_zeros(in)) return composite(d);
    return {running_sum(d.grad() * y, axis, /*from_end=*/true) / in};
  };
  return record("cumprod", kernels::cumprod(x, axis), {x}, save_inputs | save_output, rule, composite);
}

namespace {
/// [..., n, n]: e^(x_i - y_j), the derivative of y_j with respect to x_i, for the last axis of both; 0 for j < i.
Tensor shares(const Tensor& x, const Tensor& y) {
  const Tensor rows = unsqueeze(x, -1), columns = unsqueeze(y, -2);
  const int64_t n = x.size(-1);
  const Tensor order = unsqueeze(arange(n, DType::i64), 1);
  const Tensor none = equal(rows, -std::numeric_limits<double>::infinity());
  const Tensor part = logical_and(greater_equal(arange(n, DType::i64), order), logical_not(none));
  return where(part, exp(where(part, rows, 0) - where(part, columns, 0)), 0);
}
Tensor last(const Tensor& x, int axis) { return transpose(x, axis, -1); }
}  // namespace

Tensor logcumsumexp(const Tensor& x, int axis) {
  axis = normalize_axis("logcumsumexp", axis, x.rank());
  // dx_i = sum_{j >= i} g_j e^(x_i - y_j): for a second derivative, all pairs are computed.
  const auto kernel = [axis](const Backward& d) -> Grads {
    return {kernels::logcumsumexp_backward(d.grad(), d.input(0), d.output(), axis)};
  };
  const auto by_pairs = [axis](const Backward& d) -> Grads {
    const Tensor g = unsqueeze(last(d.grad(), axis), -2);
    return {last(sum(shares(last(d.input(0), axis), last(d.output(), axis)) * g, {-1}), axis)};
  };
  return record("logcumsumexp", kernels::logcumsumexp(x, axis), {x}, save_inputs | save_output, fused(kernel, by_pairs),
                [&](const Tangents& d) {
                  const Tensor weight = shares(last(x, axis), last(d.output(), axis));
                  return last(sum(weight * unsqueeze(last(d[0], axis), -1), {-2}), axis);
                });
}

namespace {
using Places = Tensor (*)(const char*, const Tensor&, int);
ValuesAndIndices running_extremum(const char* name, Places places, const Tensor& x, int axis) {
  axis = normalize_axis(name, axis, x.rank());
  const Tensor indices = not_differentiable(name, places(name, x, axis), {x});
  return {gather(x, axis, indices), indices};
}
}  // namespace

ValuesAndIndices cummax(const Tensor& x, int axis) {
  return running_extremum("cummax", kernels::cumulative_argmax, x, axis);
}
ValuesAndIndices cummin(const Tensor& x, int axis) {
  return running_extremum("cummin", kernels::cumulative_argmin, x, axis);
}

Tensor diff(const Tensor& x, int64_t n, int axis) {
  axis = normalize_axis("diff", axis, x.rank());
  check<DTypeError>(x.dtype() != DType::boolean && !is_reduced_floating(x.dtype()), "[diff] does not take ", x.dtype(),
                    "; convert with to(x, DType::f32)");
  check<ConfigError>(n >= 0, "[diff] the number of differences cannot be negative, got ", n);
  Tensor y = x;
  for (int64_t i = 0; i < n && y.size(axis) > 0; ++i) {
    const int64_t size = y.size(axis);
    y = slice(y, axis, 1, size) - slice(y, axis, 0, size - 1);
  }
  return y;
}

}  // namespace ditharos
