#pragma once
// The elementwise part of a step of an LSTM, compiled once per instruction set.
#include <cstdint>

namespace ditharos::kernels {

/// Rows of n cells without gaps between them; gates and their gradients have 4n columns, i, f, g and o.
template <class T>
struct LstmLoops {
  /// gates += input; c' = sigmoid(f) c + sigmoid(i) tanh(g); h' = sigmoid(o) tanh(c').
  void (*forward)(int64_t rows, int64_t n, const T* input, T* gates, const T* c, T* next_c, T* next_h);
  /// The gradients of the gates and of c, from those of h', the sum of grad and dh, and of c', dc, which is overwritten
  /// by that of c.
  void (*backward)(int64_t rows, int64_t n, const T* grad, const T* dh, const T* gates, const T* c, const T* next_c,
                   T* dc, T* dgates);
};

struct LstmKernels {
  LstmLoops<float> f32;
  LstmLoops<double> f64;

  static const LstmKernels& baseline();
  static const LstmKernels& avx2();
  static const LstmKernels& avx512();
};

}  // namespace ditharos::kernels
