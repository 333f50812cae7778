#pragma once
// Loops over the rows of a quantised linear layer, compiled once per instruction set.
#include <cstdint>

namespace ditharos::kernels {

/// The dequantisation of a row: x = scale (q - zero).
struct RowCode {
  float scale;
  int32_t zero;
};

struct QuantizeKernels {
  /// Quantises each row of x [rows, k] over its range, which is widened to contain 0, so that 0 is exact. A row with a
  /// NaN or an infinity gets the scale NaN.
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
