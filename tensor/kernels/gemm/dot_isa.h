#pragma once
// Internal to tensor/kernels/gemm/.
// Products of vectors, compiled once per instruction set.
#include <cstdint>

namespace ditharos::kernels {

struct DotKernels {
  /// Sum of a[i] b[i]: in vectors over pieces of a fixed length, whose sums are added in double.
  float (*f32)(const float* a, const float* b, int64_t n);
  double (*f64)(const double* a, const double* b, int64_t n);

  float dot(const float* a, const float* b, int64_t n) const { return f32(a, b, n); }
  double dot(const double* a, const double* b, int64_t n) const { return f64(a, b, n); }

  static const DotKernels& baseline();
  static const DotKernels& avx2();
  static const DotKernels& avx512();
};

}  // namespace ditharos::kernels
