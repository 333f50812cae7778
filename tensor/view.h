#pragma once
// Views: the same elements under another shape. Nothing is copied and nothing is recorded.
#include <ditharos/tensor/tensor.h>

namespace ditharos::views {

Tensor alias(const Tensor& x);                                ///< same shape, a handle of its own
Tensor permute(const Tensor& x, const Axes& order);           ///< axis i of the result is axis order[i] of x
Tensor slice(const Tensor& x, int axis, int64_t begin, int64_t end, int64_t step);
Tensor expand(const Tensor& x, const Shape& shape);           ///< stride 0 along stretched axes
/// True when `shape` can be laid over x's strides without a copy; then reshape() is a view.
[[nodiscard]] bool can_reshape(const Tensor& x, const Shape& shape);
Tensor reshape(const Tensor& x, const Shape& shape);          ///< requires can_reshape

}  // namespace ditharos::views
