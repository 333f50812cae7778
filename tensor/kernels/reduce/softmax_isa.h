#pragma once
// The table of loops of the softmax family, one for each instruction set. A row has n >= 1 adjacent elements. The loops
// over columns take n >= 1 rows of `width` <= softmax_columns adjacent elements, `stride` apart, and work along the
// columns; what becomes of a column does not depend on those beside it.
#include <cstdint>

namespace ditharos::kernels {

/// Columns whose sums fit into the first cache, beside a row of each operand.
constexpr int64_t softmax_columns = 256;

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

  void (*softmax_of_columns)(int64_t n, int64_t stride, int64_t width, const T* x, T* y);
  void (*log_softmax_of_columns)(int64_t n, int64_t stride, int64_t width, const T* x, T* y);
  void (*softmax_backward_of_columns)(int64_t n, int64_t stride, int64_t width, const T* g, const T* y, T* dx);
  void (*log_softmax_backward_of_columns)(int64_t n, int64_t stride, int64_t width, const T* g, const T* y, T* dx);
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
