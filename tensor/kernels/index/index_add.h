#pragma once
// Adding by index, the adjoint of index_select.
#include <ditharos/tensor/tensor.h>

namespace ditharos::kernels {

/// Zeros of shape [rows, D...] with out[indices[i...]] += values[i..., :], in blocks and pairs of blocks.
Tensor index_add(const Tensor& values, const Tensor& indices, int64_t rows);
/// The same along an axis: the slices of `values` added to the `size` slices that the indices, of one axis, name.
Tensor index_add(const Tensor& values, int axis, const Tensor& indices, int64_t size);

}  // namespace ditharos::kernels
