#include <ditharos/tensor/kernels/pointwise/convert_isa.h>

#include <ditharos/tensor/kernels/simd/bfloat_pair.h>

namespace ditharos::kernels {
namespace DITHAROS_ISA {
namespace {

void to_bf16(int64_t n, const float* from, bfloat16* to) {
#pragma omp simd
  for (int64_t i = 0; i < n; ++i) to[i].bits = uint16_t(rounded_bits(from[i]) >> 16);
}

void to_bf16_and_sum(int64_t rows, int64_t columns, const float* from, bfloat16* to, float* sums) {
  for (int64_t j = 0; j < columns; ++j) sums[j] = 0;
  for (int64_t i = 0; i < rows; ++i, from += columns, to += columns) {
#pragma omp simd
    for (int64_t j = 0; j < columns; ++j) {
      sums[j] += from[j];
      to[j].bits = uint16_t(rounded_bits(from[j]) >> 16);
    }
  }
}

void sum_bf16(int64_t rows, int64_t columns, const bfloat16* from, float* sums) {
  for (int64_t j = 0; j < columns; ++j) sums[j] = 0;
  for (int64_t i = 0; i < rows; ++i, from += columns) {
#pragma omp simd
    for (int64_t j = 0; j < columns; ++j) sums[j] += widened(from[j]);
  }
}

void from_bf16(int64_t n, const bfloat16* from, float* to) {
#pragma omp simd
  for (int64_t i = 0; i < n; ++i) to[i] = widened(from[i]);
}

}  // namespace
}  // namespace DITHAROS_ISA

const ConvertKernels& ConvertKernels::DITHAROS_ISA() {
  static constexpr ConvertKernels table{kernels::DITHAROS_ISA::to_bf16, kernels::DITHAROS_ISA::to_bf16_and_sum,
                                        kernels::DITHAROS_ISA::sum_bf16, kernels::DITHAROS_ISA::from_bf16};
  return table;
}

}  // namespace ditharos::kernels
