// Sorting, the largest elements, and elements by their rank.
#include <cmath>
#include <limits>

#include <ditharos/autograd/node.h>
#include <ditharos/autograd/ops.h>
#include <ditharos/tensor/kernels/sort/sort.h>

namespace ditharos {
namespace {

/// The elements of x at `indices`; a scalar is its own line.
ValuesAndIndices taken(const Tensor& x, int axis, const Tensor& indices) {
  return {x.rank() == 0 ? x : gather(x, axis, indices), indices};
}

Tensor order_of(const char* op, const Tensor& x, int axis, bool descending) {
  const int along = x.rank() == 0 ? 0 : normalize_axis(op, axis, x.rank());
  return not_differentiable(op, kernels::argsort(op, x, along, descending), {x});
}

ValuesAndIndices without_axis(const ValuesAndIndices& one, int axis, bool keepdim) {
  return keepdim ? one : ValuesAndIndices{squeeze(one.values, axis), squeeze(one.indices, axis)};
}

}  // namespace

Tensor argsort(const Tensor& x, int axis, bool descending) { return order_of("argsort", x, axis, descending); }

ValuesAndIndices sort(const Tensor& x, int axis, bool descending) {
  return taken(x, axis, order_of("sort", x, axis, descending));
}

ValuesAndIndices topk(const Tensor& x, int64_t k, int axis, bool largest) {
  axis = normalize_axis("topk", axis, x.rank());
  return taken(x, axis, not_differentiable("topk", kernels::top_indices("topk", x, k, axis, largest), {x}));
}

ValuesAndIndices kthvalue(const Tensor& x, int64_t k, int axis, bool keepdim) {
  axis = normalize_axis("kthvalue", axis, x.rank());
  check<ShapeError>(k >= 1 && k <= x.size(axis), "[kthvalue] axis ", axis, " of shape ", x.shape(),
                    " has no element of rank ", k);
  const Tensor first = not_differentiable("kthvalue", kernels::top_indices("kthvalue", x, k, axis, false), {x});
  return without_axis(taken(x, axis, slice(first, axis, k - 1, k)), axis, keepdim);
}

ValuesAndIndices median(const Tensor& x, int axis, bool keepdim) {
  axis = normalize_axis("median", axis, x.rank());
  const int64_t n = x.size(axis);
  check<ShapeError>(n > 0, "[median] axis ", axis, " of shape ", x.shape(), " is empty");
  const Tensor order = order_of("median", x, axis, false);
  const Tensor middle = slice(order, axis, (n - 1) / 2, (n + 1) / 2);
  // Numbers come before NaN, so the last element tells.
  const Tensor last = slice(order, axis, n - 1, n);
  return without_axis(taken(x, axis, where(isnan(gather(x.detach(), axis, last)), last, middle)), axis, keepdim);
}

Tensor median(const Tensor& x) {
  check<ShapeError>(x.numel() > 0, "[median] shape ", x.shape(), " has no elements");
  return median(reshape(x, {x.numel()}), 0).values;
}

ValuesAndIndices nanmedian(const Tensor& x, int axis, bool keepdim) {
  axis = normalize_axis("nanmedian", axis, x.rank());
  check<ShapeError>(x.size(axis) > 0, "[nanmedian] axis ", axis, " of shape ", x.shape(), " is empty");
  const Tensor order = order_of("nanmedian", x, axis, false);
  // Numbers come before NaN.
  const Tensor numbers = unsqueeze(count_nonzero(logical_not(isnan(x.detach())), {axis}), axis);
  const Tensor middle = clamp_min(floor_divide(numbers - 1.0, 2), 0);
  return without_axis(taken(x, axis, gather(order, axis, middle)), axis, keepdim);
}

Tensor nanmedian(const Tensor& x) {
  check<ShapeError>(x.numel() > 0, "[nanmedian] shape ", x.shape(), " has no elements");
  return nanmedian(reshape(x, {x.numel()}), 0).values;
}

ValuesAndIndices mode(const Tensor& x, int axis, bool keepdim) {
  axis = normalize_axis("mode", axis, x.rank());
  const int64_t n = x.size(axis);
  check<ShapeError>(n > 0, "[mode] axis ", axis, " of shape ", x.shape(), " is empty");
  const Tensor order = order_of("mode", x, axis, false), sorted = gather(x.detach(), axis, order);
  // Equal elements are a run of the sorted ones. An element's distance from the begin of its run is largest at the end
  // of the longest run; argmax() finds the first of several.
  const Tensor left = slice(sorted, axis, 0, n - 1), right = slice(sorted, axis, 1, n);
  const Tensor same = logical_or(equal(left, right), logical_and(isnan(left), isnan(right)));
  Shape along = Shape::filled(x.rank(), 1);
  along[axis] = n;
  const Tensor at = expand(reshape(arange(n, DType::i64), along), x.shape());
  const Tensor first = slice(at, axis, 0, 1);
  const Tensor begin = cummax(cat({first, where(same, 0, slice(at, axis, 1, n))}, axis), axis).values;
  return without_axis(taken(x, axis, gather(order, axis, argmax(at - begin, axis, true))), axis, keepdim);
}

Tensor quantile(const Tensor& x, double q, std::optional<int> axis, bool keepdim) {
  check_floating("quantile", x.dtype());
  check<ConfigError>(q >= 0 && q <= 1, "[quantile] q must lie in [0, 1], got ", q);
  if (!axis) {
    check<ShapeError>(x.numel() > 0, "[quantile] shape ", x.shape(), " has no elements");
    const Tensor all = quantile(reshape(x, {x.numel()}), q, 0);
    return keepdim ? reshape(all, Shape::filled(x.rank(), 1)) : all;
  }
  const int along = normalize_axis("quantile", *axis, x.rank());
  const int64_t n = x.size(along);
  check<ShapeError>(n > 0, "[quantile] axis ", along, " of shape ", x.shape(), " is empty");
  const Tensor order = order_of("quantile", x, along, false);
  const double rank = q * double(n - 1), below = std::floor(rank);
  const auto element = [&](double i) {
    const auto at = int64_t(i);
    return gather(x, along, slice(order, along, at, at + 1));
  };
  const Tensor between = lerp(element(below), element(std::ceil(rank)), rank - below), last = element(double(n - 1));
  const Tensor value = where(isnan(last.detach()), last, between);
  return keepdim ? value : squeeze(value, along);
}

}  // namespace ditharos
