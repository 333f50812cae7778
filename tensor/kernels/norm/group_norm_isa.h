#pragma once
// Loops for normalisation over channels and positions (group and batch norm), and for RMS norm, compiled once per
// instruction set.
#include <cstdint>

#include <ditharos/tensor/bfloat16.h>

namespace ditharos::kernels {

/// The elements that share a mean and a variance: `segments` stretches of `length` elements, `stride` apart. Segment s
/// has the factor weight[s * affine_stride] and the term bias[s * affine_stride]; null stands for 1 and 0.
template <class T>
struct NormRow {
  int64_t segments, length, stride, affine_stride;
  const T *weight, *bias;
  bool silu;  ///< x sigmoid(x) of the result in the same pass
};

template <class T>
struct GroupNormLoops {
  /// y = f(xhat * weight + bias), f SiLU or nothing; `statistics` receives (mean, 1/sqrt(var + eps)). Returns var.
  double (*forward)(const NormRow<T>& row, const T* x, T eps, T* y, T* statistics);
  /// dx, and of each segment the sums dweight[s] and dbias[s] over its elements.
  void (*backward)(const NormRow<T>& row, const T* grad, const T* x, const T* statistics, T* dx, T* dweight, T* dbias);
  /// y = x / sqrt(mean(x^2) + eps) * weight for rows of d elements; `inverse` receives 1/sqrt(mean(x^2) + eps).
  void (*rms)(int64_t rows, int64_t d, const T* x, const T* weight, T eps, T* y, T* inverse);
  /// dx of the same, and the sum over the rows dweight (written, not added to; unless weight is null).
  void (*rms_backward)(int64_t rows, int64_t d, const T* grad, const T* x, const T* inverse, const T* weight, T* dx,
                       T* dweight);
};

struct GroupNormKernels {
  GroupNormLoops<float> f32;
  GroupNormLoops<double> f64;
  /// f32.forward with results that are rounded to the nearest, ties to even.
  double (*forward_rounded)(const NormRow<float>& row, const float* x, float eps, bfloat16* y, float* statistics);

  static const GroupNormKernels& baseline();
  static const GroupNormKernels& avx2();
  static const GroupNormKernels& avx512();
};

}  // namespace ditharos::kernels
