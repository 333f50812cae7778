#pragma once
// Loops over the rows of a quantised linear layer, compiled once an instruction set.
#include <cstdint>

namespace ditharos::kernels {

/// What brings the bytes of a row back to numbers: x = scale (q - zero).
struct RowCode {
  float scale;
  int32_t zero;
};

struct QuantizeKernels {
  /// Each row of x [rows, k] as bytes over its own range, which is widened to hold 0, so that 0 stays exact. A row
  /// with a NaN or an infinity gets the scale NaN.
  void (*quantize)(int64_t rows, int64_t k, const float* x, uint8_t* q, RowCode* codes);
  /// y = (sum - zero column_sum) scale weight_scale + bias for sums of products [rows, n]; then, if wanted, tanh-GELU
  /// of it. y may be the memory of the sums.
  void (*dequantize)(int64_t rows, int64_t n, const RowCode* codes, const float* weight_scales,
                     const int32_t* column_sums, const float* bias, bool gelu, const int32_t* sums, float* y);

  static const QuantizeKernels& baseline();
  static const QuantizeKernels& avx2();
  static const QuantizeKernels& avx512();
};

}  // namespace ditharos::kernels
