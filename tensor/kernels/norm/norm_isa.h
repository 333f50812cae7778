#pragma once
// Loops over rows for layer normalisation and the gated residual, compiled once per instruction set.
#include <cstdint>

#include <ditharos/tensor/bfloat16.h>

namespace ditharos::kernels {

/// All rows have d elements and are contiguous. Vectors of d elements are shared by the rows. Branch: of what a linear
/// layer reads or computed, and of its gradient.
template <class T, class Branch = T>
struct NormLoops {
  /// y = xhat * (offset + scale) + shift; null scale: factor 1, null shift: 0. `statistics`, if not null, receives
  /// (mean, 1/sqrt(var + eps)) of each row.
  void (*forward)(int64_t rows, int64_t d, const T* x, const T* scale, T offset, const T* shift, T eps, Branch* y,
                  T* statistics);
  /// dx of the same, written or added to what is there, and the sums over the rows dscale = grad * xhat, dshift = grad
  /// (written, not added to).
  void (*backward)(int64_t rows, int64_t d, const Branch* grad, const T* x, const T* statistics, const T* scale,
                   T offset, bool add, T* dx, T* dscale, T* dshift);
  /// out = x + gate * y.
  void (*gate)(int64_t rows, int64_t d, const T* x, const T* gate, const Branch* y, T* out);
  /// dy = gate * grad, and the sum over the rows dgate = grad * y (written, not added to).
  void (*gate_backward)(int64_t rows, int64_t d, const T* grad, const T* gate, const Branch* y, T* dgate, Branch* dy);
};

struct NormKernels {
  NormLoops<float> f32;
  NormLoops<double> f64;
  NormLoops<float, bfloat16> bf16;

  static const NormKernels& baseline();
  static const NormKernels& avx2();
  static const NormKernels& avx512();
};

}  // namespace ditharos::kernels
