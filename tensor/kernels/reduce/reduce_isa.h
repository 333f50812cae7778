#pragma once
// The table of reducing loops, one for each instruction set.
#include <cstdint>

namespace ditharos::kernels {

/// Rows that sum_rows adds in one go.
inline constexpr int64_t row_block = 32;

template <class T>
struct SumLoops {
  /// Sum of n adjacent elements: lanes of a vector over blocks, and pairs of blocks.
  T (*sum)(const T* x, int64_t n);
  /// out[j] = rows[0][j] + ... + rows[count - 1][j] for j in [0, n); 1 <= count <= row_block.
  void (*sum_rows)(const T* const* rows, int64_t count, int64_t n, T* out);
};

struct ReduceKernels {
  SumLoops<float> f32;
  SumLoops<double> f64;
  SumLoops<uint64_t> u64;  ///< signed integers too: in two's complement the sums are the same bits

  /// Sum of squares of n adjacent elements, in double.
  double (*sum_of_squares_f32)(const float* x, int64_t n);
  double (*sum_of_squares_f64)(const double* x, int64_t n);
  bool (*all_finite_f32)(const float* x, int64_t n);
  bool (*all_finite_f64)(const double* x, int64_t n);

  static const ReduceKernels& baseline();
  static const ReduceKernels& avx2();
  static const ReduceKernels& avx512();
};

}  // namespace ditharos::kernels
