// Reductions over axes.
#include <ditharos/autograd/node.h>
#include <ditharos/autograd/ops.h>
#include <ditharos/tensor/kernels/reduce.h>
#include <ditharos/tensor/view.h>

namespace ditharos {
namespace {

/// The shape that keeps reduced axes with size 1, so that a gradient broadcasts back over them.
Shape kept_shape(const char* op, const Shape& shape, const Axes& axes) {
  if (axes.empty()) return Shape::filled(shape.rank(), 1);
  Shape kept = shape;
  for (int64_t axis : axes) kept[normalize_axis(op, axis, shape.rank())] = 1;
  return kept;
}

/// Number of elements that each result combines.
int64_t reduced_count(const char* op, const Tensor& x, const Axes& axes) {
  const Shape kept = kept_shape(op, x.shape(), axes);
  int64_t count = 1;
  for (int i = 0; i < x.rank(); ++i)
    if (kept[i] == 1) count *= x.shape()[i];
  return count;
}

}  // namespace

Tensor sum(const Tensor& x, const Axes& axes, bool keepdim) {
  // Every element gets the gradient of the sum it went into.
  return record("sum", kernels::sum(x, axes, keepdim), {x}, save_nothing, each([axes](const Backward& d) {
                  const Shape& in = d.input_shape(0);
                  return expand(reshape(d.grad(), kept_shape("sum", in, axes)), in);
                }));
}

Tensor mean(const Tensor& x, const Axes& axes, bool keepdim) {
  const int64_t n = reduced_count("mean", x, axes);
  check<ShapeError>(n > 0, "[mean] shape ", x.shape(), " has no elements to average");
  return sum(x, axes, keepdim) * (1.0 / double(n));
}

Tensor variance(const Tensor& x, const Axes& axes, bool keepdim) {
  return mean(square(x - mean(x, axes, true)), axes, keepdim);
}

Tensor amax(const Tensor& x, int axis, bool keepdim) {
  axis = normalize_axis("amax", axis, x.rank());
  const Tensor kept = kernels::amax(x, axis, true);
  Shape dropped = kept.shape();
  dropped.erase(axis);
  return record("amax", keepdim ? kept : views::reshape(kept, dropped), {x}, save_inputs | save_output,
                each([axis](const Backward& d) {
                  const Tensor in = d.input(0);
                  const Shape kept = kept_shape("amax", in.shape(), {axis});
                  // Where the maximum is reached several times, each place gets its share, a constant.
                  const Tensor hit = to(equal(in, views::reshape(d.output(), kept)), in.dtype());
                  return hit / sum(hit, {axis}, true) * reshape(d.grad(), kept);
                }));
}

Tensor argmax(const Tensor& x, int axis, bool keepdim) {
  return kernels::argmax(x, normalize_axis("argmax", axis, x.rank()), keepdim);
}

Tensor logsumexp(const Tensor& x, int axis, bool keepdim) {
  axis = normalize_axis("logsumexp", axis, x.rank());
  // The maximum is a shift that cancels, so it needs no gradient; where it is infinite, shifting would give NaN.
  const Tensor top = kernels::amax(x, axis, true), zero = scalar(0, x.dtype());
  const Tensor shift = where(equal(top - top, zero), top, zero);
  const Tensor result = log(sum(exp(x - shift), {axis}, true)) + shift;
  return keepdim ? result : squeeze(result, axis);
}

Tensor sum_to(const Tensor& x, const Shape& shape) {
  if (x.shape() == shape) return x;
  return record("sum_to", kernels::sum_to(x, shape), {x}, save_nothing,
                each([](const Backward& d) { return expand(d.grad(), d.input_shape(0)); }));
}

}  // namespace ditharos
