#include <ditharos/tensor/kernels/gemm/quantize_isa.h>
#include <ditharos/tensor/kernels/simd/vector.h>
#include <ditharos/tensor/kernels/simd/vector_math.h>

namespace ditharos::kernels {
namespace DITHAROS_ISA {
namespace {

struct Range {
  float low, high;  // low <= 0 <= high
  float poison;     // 0, or NaN when an element is not finite
};

Range range_of(int64_t k, const float* x) {
  float low = 0, high = 0, poison = 0;
#pragma omp simd reduction(min : low) reduction(max : high) reduction(+ : poison)
  for (int64_t j = 0; j < k; ++j) {
    low = x[j] < low ? x[j] : low;
    high = x[j] > high ? x[j] : high;
    poison += x[j] - x[j];
  }
  return {low, high, poison};
}

void quantize_row(int64_t k, const float* x, uint8_t* q, RowCode& code) {
  constexpr float most = 255;
  const Range range = range_of(k, x);
  if (range.poison != 0.f) {
    for (int64_t j = 0; j < k; ++j) q[j] = 0;
    code = {range.poison, 0};
    return;
  }
  const float scale = (range.high - range.low) / most;
  // A range too small for the reciprocal of its step counts as 0; then all bytes are 0.
  const float inverse = scale > 1e-36f ? 1.f / scale : 0.f;
  code = {scale, static_cast<int32_t>(0.5f - range.low * inverse)};
  const float offset = static_cast<float>(code.zero) + 0.5f;  // truncation then rounds to the nearest
#pragma omp simd
  for (int64_t j = 0; j < k; ++j) {
    const float v = min_of(max_of(x[j] * inverse + offset, 0.f), most);
    q[j] = static_cast<uint8_t>(static_cast<int32_t>(v));
  }
}

void quantize_rows(int64_t rows, int64_t k, const float* x, uint8_t* q, RowCode* codes) {
  for (int64_t i = 0; i < rows; ++i) quantize_row(k, x + i * k, q + i * k, codes[i]);
}

template <bool with_gelu>
void dequantize_row(int64_t n, RowCode code, const float* weight_scales, const int32_t* column_sums, const float* bias,
                    const int32_t* sums, float* y) {
  const int32_t zero = code.zero;
  const float scale = code.scale;
#pragma omp simd
  for (int64_t j = 0; j < n; ++j) {
    const float v = static_cast<float>(sums[j] - zero * column_sums[j]) * (scale * weight_scales[j]) + bias[j];
    y[j] = with_gelu ? gelu_tanh(v) : v;
  }
}

void dequantize_rows(int64_t rows, int64_t n, const RowCode* codes, const float* weight_scales,
                     const int32_t* column_sums, const float* bias, bool with_gelu, const int32_t* sums, float* y) {
  for (int64_t i = 0; i < rows; ++i, sums += n, y += n) {
    if (with_gelu) dequantize_row<true>(n, codes[i], weight_scales, column_sums, bias, sums, y);
    else dequantize_row<false>(n, codes[i], weight_scales, column_sums, bias, sums, y);
  }
}

}  // namespace
}  // namespace DITHAROS_ISA

const QuantizeKernels& QuantizeKernels::DITHAROS_ISA() {
  using namespace kernels::DITHAROS_ISA;
  static constexpr QuantizeKernels table = {quantize_rows, dequantize_rows};
  return table;
}

}  // namespace ditharos::kernels
