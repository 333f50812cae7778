#pragma once
// Internal to autograd/ops/.
// What the losses have in common: checks of their operands and their reductions.
#include <ditharos/autograd/ops.h>
#include <ditharos/autograd/ops/detail/operands.h>

namespace ditharos {

/// Losses refuse shapes that differ: a silent broadcast of [N] against [N, 1] trains towards the wrong target.
inline void check_pair(const char* op, const Tensor& prediction, const Tensor& target) {
  check_floating(op, prediction.dtype());
  check<ShapeError>(prediction.shape() == target.shape(), "[", op, "] the prediction has shape ", prediction.shape(),
                    ", the target ", target.shape(), "; they must be equal");
  check_one_dtype(op, "the prediction", prediction, "the target", target);
}

inline void check_reduction(const char* op, Reduction reduction) {
  check<ConfigError>(reduction != Reduction::batchmean, "[", op, "] the reduction batchmean is for kl_div alone");
}

inline void check_mean(const char* op, const Shape& shape, Reduction reduction) {
  check_reduction(op, reduction);
  check<ShapeError>(reduction != Reduction::mean || numel(shape) > 0, "[", op, "] a loss of shape ", shape,
                    " has no elements, so there is no mean");
}

/// An optional factor of each element, of the prediction's dtype, that may broadcast to its shape.
inline void check_factor(const char* op, const char* name, const Tensor& x, const Tensor& factor) {
  if (!factor.defined()) return;
  check_one_dtype(op, "the prediction", x, name, factor);
  check<ShapeError>(broadcastable_to(factor.shape(), x.shape()), "[", op, "] ", name, " of shape ", factor.shape(),
                    " does not broadcast to the target's shape ", x.shape());
}

/// A target of 1 and -1 in the dtype of x: integers are converted.
inline Tensor signs_like(const char* op, const Tensor& x, const Tensor& y) {
  check<DTypeError>(y.dtype() == x.dtype() || y.dtype() == DType::i64, "[", op, "] the target must be i64 or ",
                    x.dtype(), ", as the prediction, got ", y.dtype());
  return y.dtype() == x.dtype() ? y : to(y, x.dtype());
}

/// The losses of all elements or rows, reduced.
Tensor reduced_losses(const char* op, const Tensor& losses, Reduction reduction);
/// w x, and 0 where w is 0, even for an infinite x.
Tensor weighted(const Tensor& w, const Tensor& x);

}  // namespace ditharos
