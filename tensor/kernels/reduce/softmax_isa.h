#pragma once
// The table of loops of the softmax family, one for each instruction set. A row has n >= 1 adjacent elements.
#include <cstdint>

namespace ditharos::kernels {

template <class T>
struct SoftmaxLoops {
  void (*softmax)(int64_t n, const T* x, T* y);
  void (*log_softmax)(int64_t n, const T* x, T* y);
  void (*softmax_backward)(int64_t n, const T* g, const T* y, T* dx);
  void (*log_softmax_backward)(int64_t n, const T* g, const T* y, T* dx);
  /// -log softmax(x)[label]
  T (*cross_entropy)(int64_t n, const T* x, int64_t label);
  /// dx = g (softmax(x) - onehot(label))
  void (*cross_entropy_backward)(int64_t n, T g, const T* x, int64_t label, T* dx);
  /// ln sum(e^x); the largest element where that is infinite.
  T (*log_sum_exp)(int64_t n, const T* x);
};

struct SoftmaxKernels {
  SoftmaxLoops<float> f32;
  SoftmaxLoops<double> f64;
  const SoftmaxLoops<float>& loops(float) const { return f32; }
  const SoftmaxLoops<double>& loops(double) const { return f64; }

  static const SoftmaxKernels& baseline();
  static const SoftmaxKernels& avx2();
  static const SoftmaxKernels& avx512();
};

}  // namespace ditharos::kernels
