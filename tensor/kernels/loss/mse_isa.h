#pragma once
// The mean squared error's loops, compiled once per instruction set.
#include <cstdint>

namespace ditharos::kernels {

template <class T>
struct MseLoops {
  /// Sum of (a - b)^2 of n adjacent elements, in double.
  double (*sum)(int64_t n, const T* a, const T* b);
  /// out = factor (a - b).
  void (*difference)(int64_t n, const T* a, const T* b, T factor, T* out);
};

struct MseKernels {
  MseLoops<float> f32;
  MseLoops<double> f64;

  static const MseKernels& baseline();
  static const MseKernels& avx2();
  static const MseKernels& avx512();
};

}  // namespace ditharos::kernels
