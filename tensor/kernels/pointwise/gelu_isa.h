#pragma once
// The GELU behind a linear layer, compiled once per instruction set.
#include <cstdint>

namespace ditharos::kernels {

template <class T>
struct GeluLoops {
  /// y = gelu_tanh(x) for a piece of `rows` x `columns`; the rows of both lie `ld` apart; y may be x.
  void (*forward)(int64_t rows, int64_t columns, int64_t ld, const T* x, T* y);
  /// dx = dy gelu_tanh'(x), and its sums over the rows (written, not added to). Rows follow each other without a gap;
  /// dx may be dy.
  void (*backward)(int64_t rows, int64_t columns, const T* dy, const T* x, T* dx, T* sums);
};

struct GeluKernels {
  GeluLoops<float> f32;
  GeluLoops<double> f64;

  static const GeluKernels& baseline();
  static const GeluKernels& avx2();
  static const GeluKernels& avx512();
};

}  // namespace ditharos::kernels
