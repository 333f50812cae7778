#pragma once
// Views: tensors that share the elements of another one. Nothing is copied, and nothing is recorded.
#include <ditharos/tensor/tensor.h>

namespace ditharos::views {

Tensor alias(const Tensor& x);                            ///< the same shape, a new TensorImpl
Tensor permute(const Tensor& x, const Axes& order);       ///< axis i of the result is axis order[i] of x
Tensor transpose(const Tensor& x, int axis0, int axis1);  ///< the two axes swapped; both in [0, rank)
Tensor slice(const Tensor& x, int axis, int64_t begin, int64_t end, int64_t step);
Tensor expand(const Tensor& x, const Shape& shape);  ///< stride 0 along stretched axes
/// True when the strides of x allow a view of this shape, so that reshape() need not copy.
[[nodiscard]] bool can_reshape(const Tensor& x, const Shape& shape);
Tensor reshape(const Tensor& x, const Shape& shape);  ///< requires can_reshape

}  // namespace ditharos::views
