#pragma once
// Internal to tensor/kernels/gemm/.
// A tensor's last two axes as an operand of gemm.
#include <ditharos/tensor/tensor.h>

namespace ditharos::kernels {

/// The layout of a matrix for gemm: row by row or column by column.
struct MatrixLayout {
  int64_t ld = 1;           ///< leading dimension, in elements
  bool transposed = false;  ///< columns are contiguous instead of rows
};

/// True when gemm can read the last two axes of x (rank >= 2) in place; then `layout` is filled in.
bool matrix_layout(const Tensor& x, MatrixLayout& layout);
/// x itself when gemm can read it in place, else a contiguous copy.
Tensor readable_matrix(const Tensor& x, MatrixLayout& layout);
/// x [..., n] as [rows, n], a view where the strides allow it, else a copy.
Tensor as_rows(const Tensor& x);
/// `shape` [..., n] as [..., last].
Shape with_last(Shape shape, int64_t last);

}  // namespace ditharos::kernels
