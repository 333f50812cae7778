// Counting, searching, and drawing by weight.
#include <cmath>

#include <ditharos/autograd/grad_mode.h>
#include <ditharos/autograd/node.h>
#include <ditharos/autograd/ops.h>
#include <ditharos/tensor/kernels/sort/sort.h>
#include <ditharos/tensor/random.h>

namespace ditharos {

Unique unique(const Tensor& x) {
  const kernels::Distinct found = kernels::distinct(x);
  return {not_differentiable("unique", found.values, {x}), found.inverse, found.counts};
}

Tensor bincount(const Tensor& x, const Tensor& weights, int64_t minlength) {
  check<DTypeError>(x.dtype() == DType::i64, "[bincount] counts i64, got ", x.dtype());
  check<ShapeError>(x.rank() == 1, "[bincount] needs one axis, got shape ", x.shape());
  check<ShapeError>(minlength >= 0, "[bincount] the length cannot be negative, got ", minlength);
  check<ShapeError>(!weights.defined() || weights.shape() == x.shape(), "[bincount] weights of shape ",
                    weights.defined() ? weights.shape() : Shape{}, " for values of shape ", x.shape());
  int64_t length = minlength;
  if (x.numel() > 0) {
    const NoGrad guard;
    const auto smallest = int64_t(min(x).item());
    check<ShapeError>(smallest >= 0, "[bincount] values cannot be negative, got ", smallest);
    length = std::max(length, int64_t(max(x).item()) + 1);
  }
  return index_add(weights.defined() ? weights : ones(x.shape(), DType::i64), x, length);
}

Tensor histc(const Tensor& x, int64_t bins, double low, double high) {
  check_floating("histc", x.dtype());
  check<ShapeError>(bins >= 1, "[histc] needs at least one bin, got ", bins);
  const NoGrad guard;
  if (low == high && x.numel() > 0) low = min(x).item(), high = max(x).item();
  if (low == high) low -= 1, high += 1;
  check<ConfigError>(std::isfinite(low) && std::isfinite(high) && low < high, "[histc] the range from ", low, " to ",
                     high, " is no interval");
  const Tensor flat = reshape(x, {x.numel()});
  const Tensor inside = masked_select(flat, logical_and(greater_equal(flat, low), less_equal(flat, high)));
  const Tensor at = clamp(floor((inside - low) / (high - low) * double(bins)), 0, double(bins - 1));
  return not_differentiable("histc", index_add(ones_like(inside), to(at, DType::i64), bins), {x});
}

Tensor searchsorted(const Tensor& sorted, const Tensor& values, bool right) {
  return not_differentiable("searchsorted", kernels::searchsorted(sorted, values, right), {sorted, values});
}

Tensor bucketize(const Tensor& values, const Tensor& boundaries, bool right) {
  check<ShapeError>(boundaries.rank() == 1, "[bucketize] the boundaries must have one axis, got shape ",
                    boundaries.shape());
  check<DTypeError>(boundaries.dtype() == values.dtype(), "[bucketize] values are ", values.dtype(), ", boundaries ",
                    boundaries.dtype(), "; convert one of them");
  return searchsorted(boundaries, values, right);
}

Tensor multinomial(const Tensor& weights, int64_t count, bool replacement, Generator& rng) {
  check_floating("multinomial", weights.dtype());
  check<ShapeError>(weights.rank() == 1 || weights.rank() == 2, "[multinomial] needs weights [N] or [B, N], got shape ",
                    weights.shape());
  check<ConfigError>(count >= 1, "[multinomial] needs at least one draw, got ", count);
  const NoGrad guard;
  const Tensor w = to(weights, DType::f64);
  const int64_t n = w.size(-1);
  check<ConfigError>(all(logical_and(isfinite(w), greater_equal(w, 0))).item() != 0,
                     "[multinomial] weights must be finite and at least 0");
  const Tensor candidates = count_nonzero(w, {-1});
  check<ConfigError>(n > 0 && all(greater(candidates, 0)).item() != 0, "[multinomial] the weights of a row are all 0");
  check<ConfigError>(replacement || all(greater_equal(candidates, double(count))).item() != 0, "[multinomial] ", count,
                     " draws without replacement need as many weights above 0");
  Shape shape = w.shape();
  if (replacement) {
    shape[shape.rank() - 1] = count;
    const Tensor steps = cumsum(w, -1), total = slice(steps, -1, n - 1, n);
    // Rounding can reach the total itself, which lies behind the last weight above 0.
    const Tensor at = searchsorted(steps, rng.uniform(shape, DType::f64) * total, true);
    const Tensor last = searchsorted(steps, total, false);
    return minimum(at, last);
  }
  // Exponential arrival times with the weights as rates: the first `count` arrivals (Efraimidis and Spirakis 2006).
  const Tensor times = log1p(-rng.uniform(shape, DType::f64)) / -w;
  return topk(where(equal(w, 0), INFINITY, times), count, -1, false).indices;
}

}  // namespace ditharos
