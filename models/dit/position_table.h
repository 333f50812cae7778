#pragma once
#include <ditharos/tensor/tensor.h>

namespace ditharos::models {

/// The fixed position table [1, rows * columns, width]: the first half encodes the column, the second the row, each as
/// sin(p w_i) then cos(p w_i) with w_i = 10000^(-i / (width/4)), as in the released DiT. Computed in double. `width` is
/// divisible by 4.
Tensor position_table(int64_t rows, int64_t columns, int64_t width);

}  // namespace ditharos::models
