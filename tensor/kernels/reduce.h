#pragma once
// Reductions. Sums run over chunks that depend on shape and strides alone and are combined in order, so that every
// thread count gives the same bits.
#include <ditharos/tensor/tensor.h>

namespace ditharos::kernels {

/// Sum over `axes` (all when empty). f32 is accumulated in blocks (pairwise), so its error grows like log n. Integers
/// and booleans add up in i64. The sum of nothing is 0.
Tensor sum(const Tensor& x, const Axes& axes, bool keepdim);
/// Sums x down to `shape`, the inverse of broadcasting; x itself when the shapes agree.
Tensor sum_to(const Tensor& x, const Shape& shape);
/// Largest or smallest element along one axis. NaN wins either way. ShapeError when the axis is empty.
Tensor amax(const Tensor& x, int axis, bool keepdim);
Tensor amin(const Tensor& x, int axis, bool keepdim);
/// Index (i64) of the first largest or smallest element along one axis; messages are in the name of `op`.
Tensor argmax(const Tensor& x, int axis, bool keepdim, const char* op = "argmax");
Tensor argmin(const Tensor& x, int axis, bool keepdim, const char* op = "argmin");
/// Sum of squares of all elements, accumulated in double.
double sum_of_squares(const Tensor& x);

}  // namespace ditharos::kernels
