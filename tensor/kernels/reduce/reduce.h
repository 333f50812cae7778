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
/// Sum of squares of all elements, accumulated in double.
double sum_of_squares(const Tensor& x);

}  // namespace ditharos::kernels
