#pragma once
// The GELU behind a linear layer, compiled once per instruction set.
#include <cstdint>

#include <ditharos/tensor/bfloat16.h>

namespace ditharos::kernels {

/// In: of x and dx; T: of y, dy and sums.
template <class T, class In = T>
struct GeluLoops {
  /// y = gelu_tanh(x) for a piece of `rows` x `columns`; the rows of both lie `ld` apart; y may be x.
  void (*forward)(int64_t rows, int64_t columns, int64_t ld, const In* x, T* y);
  /// dx = dy gelu_tanh'(x), and its sums over the rows (written, not added to). Rows follow each other without a gap;
  /// dx may be dy. The sums are those of the unrounded dx.
  void (*backward)(int64_t rows, int64_t columns, const T* dy, const In* x, In* dx, T* sums);
};

struct GeluKernels {
  GeluLoops<float> f32;
  GeluLoops<double> f64;
  GeluLoops<float, bfloat16> bf16;
  /// The same as bf16.forward with a rounded result.
  void (*forward_rounded)(int64_t rows, int64_t columns, int64_t ld, const bfloat16* x, bfloat16* y);
  /// The same as bf16.backward of a rounded dy.
  void (*backward_rounded)(int64_t rows, int64_t columns, const bfloat16* dy, const bfloat16* x, bfloat16* dx,
                           float* sums);

  static const GeluKernels& baseline();
  static const GeluKernels& avx2();
  static const GeluKernels& avx512();
};

}  // namespace ditharos::kernels
