#pragma once
// Internal to autograd/ops/indexing/.
// What the functions that write by index do with their operands. Errors are in the name of `op`.
#include <ditharos/tensor/tensor.h>

namespace ditharos {

/// The part of the source that the index reads: its first elements along each axis.
Tensor part_for(const char* op, const Tensor& source, const Shape& index);
/// Indices [K] along an axis, in the shape of the slices of `source` that they name.
Tensor for_each_slice(const char* op, const Tensor& indices, const Tensor& source, int axis);
/// DTypeError and ShapeError unless the source has x's dtype and, but for one axis, its shape.
void check_slices(const char* op, const Tensor& x, int axis, const Tensor& source);

}  // namespace ditharos
