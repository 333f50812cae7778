#pragma once
// Largest and smallest elements along an axis, and where they are.
#include <ditharos/tensor/tensor.h>

namespace ditharos::kernels {

/// Largest or smallest element along one axis. NaN wins either way. ShapeError when the axis is empty.
Tensor amax(const Tensor& x, int axis, bool keepdim);
Tensor amin(const Tensor& x, int axis, bool keepdim);
/// Index (i64) of the first largest or smallest element along one axis; messages are in the name of `op`.
Tensor argmax(const Tensor& x, int axis, bool keepdim, const char* op = "argmax");
Tensor argmin(const Tensor& x, int axis, bool keepdim, const char* op = "argmin");

}  // namespace ditharos::kernels
