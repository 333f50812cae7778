#pragma once
// Conversion between float and bfloat16, compiled once per instruction set.
#include <cstdint>

#include <ditharos/tensor/bfloat16.h>

namespace ditharos::kernels {

struct ConvertKernels {
  /// Rounds n numbers to the nearest, ties to even; NaN stays NaN.
  void (*to_bf16)(int64_t n, const float* from, bfloat16* to);
  /// The same for `rows` rows that follow each other without a gap, and the sums over the rows of what is rounded
  /// (written, not added to).
  void (*to_bf16_and_sum)(int64_t rows, int64_t columns, const float* from, bfloat16* to, float* sums);
  /// The sums alone, of rounded numbers.
  void (*sum_bf16)(int64_t rows, int64_t columns, const bfloat16* from, float* sums);
  void (*from_bf16)(int64_t n, const bfloat16* from, float* to);

  static const ConvertKernels& baseline();
  static const ConvertKernels& avx2();
  static const ConvertKernels& avx512();
};

}  // namespace ditharos::kernels
