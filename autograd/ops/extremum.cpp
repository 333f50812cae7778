// Largest and smallest elements. The derivative is piecewise constant: the gradient is divided equally among the
// positions where the extremum is reached.
#include <ditharos/autograd/node.h>
#include <ditharos/autograd/ops.h>
#include <ditharos/autograd/ops/detail/axes.h>
#include <ditharos/tensor/kernels/reduce/extremum.h>
#include <ditharos/tensor/kernels/reduce/reduce.h>
#include <ditharos/tensor/view.h>

namespace ditharos {
namespace {

using Kernel = Tensor (*)(const Tensor&, int, bool);

Tensor extremum(const char* name, Kernel kernel, const Tensor& x, int axis, bool keepdim) {
  const Tensor kept = kernel(x, axis, true);
  Shape dropped = kept.shape();
  dropped.erase(axis);
  return record(name, keepdim ? kept : views::reshape(kept, dropped), {x}, save_inputs | save_output,
                each([axis](const Backward& d) {
                  const Tensor in = d.input(0);
                  Shape kept = in.shape();
                  kept[axis] = 1;
                  // The gradient is divided among the positions of the extremum. NaN counts as one: it differs from
                  // itself. Other positions get 0 even when the gradient is not finite.
                  const Tensor hit = logical_or(equal(in, views::reshape(d.output(), kept)), not_equal(in, in));
                  const Tensor count = to(sum(hit, {axis}, true), in.dtype());
                  return where(hit, reshape(d.grad(), kept) / count, scalar(0, in.dtype()));
                }),
                [&](const Tangents& d) { return sum(d.gradient(ones_like(d.output())) * d[0], {axis}, keepdim); });
}

Tensor over_axes(const char* name, Kernel kernel, const Tensor& x, const Axes& axes, bool keepdim) {
  const ReducedAxes reduced(name, x.shape(), axes);
  if (const int axis = reduced.only(); axis >= 0) return extremum(name, kernel, x, axis, keepdim);
  const Tensor rows = reduced.merged(x);  // [kept..., n]
  return reshape(extremum(name, kernel, rows, rows.rank() - 1, false), reduced.result_shape(keepdim));
}

ValuesAndIndices with_indices(const Tensor& x, const Tensor& indices, int axis, bool keepdim) {
  const Tensor values = gather(x, axis, indices);
  return keepdim ? ValuesAndIndices{values, indices} : ValuesAndIndices{squeeze(values, axis), squeeze(indices, axis)};
}

}  // namespace

Tensor amax(const Tensor& x, const AxisOrAxes& axes, bool keepdim) {
  return over_axes("amax", kernels::amax, x, axes, keepdim);
}
Tensor amin(const Tensor& x, const AxisOrAxes& axes, bool keepdim) {
  return over_axes("amin", kernels::amin, x, axes, keepdim);
}

Tensor argmax(const Tensor& x, int axis, bool keepdim) {
  return not_differentiable("argmax", kernels::argmax(x, axis, keepdim), {x});
}
Tensor argmin(const Tensor& x, int axis, bool keepdim) {
  return not_differentiable("argmin", kernels::argmin(x, axis, keepdim), {x});
}

ValuesAndIndices max(const Tensor& x, int axis, bool keepdim) {
  return with_indices(x, kernels::argmax(x, axis, true, "max"), axis, keepdim);
}
ValuesAndIndices min(const Tensor& x, int axis, bool keepdim) {
  return with_indices(x, kernels::argmin(x, axis, true, "min"), axis, keepdim);
}

}  // namespace ditharos
