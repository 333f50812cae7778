// Reductions over axes.
#include <ditharos/autograd/node.h>
#include <ditharos/autograd/ops.h>
#include <ditharos/autograd/ops/detail/axes.h>
#include <ditharos/tensor/kernels/reduce/reduce.h>

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
  return ReducedAxes(op, x.shape(), axes).count();
}

}  // namespace

Tensor sum(const Tensor& x, const AxisOrAxes& axes, bool keepdim) {
  // Every element gets the gradient of the sum it went into.
  return record("sum", kernels::sum(x, axes, keepdim), {x}, save_nothing, each([axes](const Backward& d) {
                  const Shape& in = d.input_shape(0);
                  return expand(reshape(d.grad(), kept_shape("sum", in, axes)), in);
                }),
                [&](const Tangents& d) { return sum(d[0], axes, keepdim); });
}

Tensor mean(const Tensor& x, const AxisOrAxes& axes, bool keepdim) {
  check_floating("mean", x.dtype());
  const int64_t n = reduced_count("mean", x, axes);
  check<ShapeError>(n > 0, "[mean] shape ", x.shape(), " has no elements to average");
  return sum(x, axes, keepdim) / double(n);
}

Tensor sum_to(const Tensor& x, const Shape& shape) {
  if (x.shape() == shape) return x;
  return record("sum_to", kernels::sum_to(x, shape), {x}, save_nothing,
                each([](const Backward& d) { return expand(d.grad(), d.input_shape(0)); }),
                [&](const Tangents& d) { return sum_to(d[0], shape); });
}

}  // namespace ditharos
