// Reductions of truth values, and PyTorch's forms of others.
#include <ditharos/autograd/ops/reductions/reductions.h>

#include <ditharos/autograd/node.h>
#include <ditharos/autograd/ops.h>
#include <ditharos/autograd/ops/detail/axes.h>
#include <ditharos/tensor/kernels/pointwise/select.h>
#include <ditharos/tensor/kernels/reduce/extremum.h>
#include <ditharos/tensor/kernels/reduce/reduce.h>
#include <ditharos/tensor/view.h>

namespace ditharos {
namespace {

using Extremum = Tensor (*)(const Tensor&, int, bool);

Tensor truth(const Tensor& x) {
  const Tensor values = x.detach();
  return x.dtype() == DType::boolean ? values : kernels::compare(kernels::Compare::ne, values, scalar(0, x.dtype()));
}

/// The extremum of truth values over the axes; `of_nothing` where there are none.
Tensor reduce_truth(const char* name, Extremum extremum, bool of_nothing, const Tensor& x, const Axes& axes,
                    bool keepdim) {
  const ReducedAxes reduced(name, x.shape(), axes);
  const Shape shape = reduced.result_shape(keepdim);
  if (reduced.count() == 0) return not_differentiable(name, full(shape, of_nothing, DType::boolean), {x});
  const Tensor rows = reduced.merged(truth(x));
  return not_differentiable(name, views::reshape(extremum(rows, rows.rank() - 1, false), shape), {x});
}

}  // namespace

Tensor any(const Tensor& x, const AxisOrAxes& axes, bool keepdim) {
  return reduce_truth("any", kernels::amax, false, x, axes, keepdim);
}
Tensor all(const Tensor& x, const AxisOrAxes& axes, bool keepdim) {
  return reduce_truth("all", kernels::amin, true, x, axes, keepdim);
}

Tensor count_nonzero(const Tensor& x, const Axes& axes) {
  ReducedAxes("count_nonzero", x.shape(), axes);  // checks the axes
  return not_differentiable("count_nonzero", kernels::sum(truth(x), axes, false), {x});
}

namespace {
/// ShapeError unless there are more elements than the correction takes away.
void check_spread(const char* op, const Tensor& x, const Axes& axes, int64_t correction) {
  check_floating(op, x.dtype());
  const int64_t n = ReducedAxes(op, x.shape(), axes).count();
  check<ShapeError>(n > correction && n > 0, "[", op, "] shape ", x.shape(), " gives ", n,
                    " elements for each result; with the correction ", correction, " more are needed");
}
}  // namespace

Tensor var(const Tensor& x, const Axes& axes, int64_t correction, bool keepdim) {
  check_spread("var", x, axes, correction);
  return variance(x, axes, keepdim, correction);
}
Tensor std(const Tensor& x, const Axes& axes, int64_t correction, bool keepdim) {
  check_spread("std", x, axes, correction);
  return standard_deviation(x, axes, keepdim, correction);
}

namespace {
void check_not_empty(const char* op, const Tensor& x) {
  check<ShapeError>(x.numel() > 0, "[", op, "] shape ", x.shape(), " has no elements");
}
Tensor flat(const Tensor& x) { return reshape(x, {x.numel()}); }
}  // namespace

Tensor max(const Tensor& x) {
  check_not_empty("max", x);
  return amax(flat(x), {0});
}
Tensor min(const Tensor& x) {
  check_not_empty("min", x);
  return amin(flat(x), {0});
}
Tensor argmax(const Tensor& x) {
  check_not_empty("argmax", x);
  return argmax(flat(x), 0);
}
Tensor argmin(const Tensor& x) {
  check_not_empty("argmin", x);
  return argmin(flat(x), 0);
}

}  // namespace ditharos
