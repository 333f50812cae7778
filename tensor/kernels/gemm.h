#pragma once
// The seam to a matrix library: one small interface, two implementations (oneDNN for f32, ours for f64 and as oracle).
//
// Work is cut into tiles that depend on the shape alone; each tile runs on one thread. So the bits of the result do
// not depend on the number of threads, which a library's own threading does not give.
#include <cstdint>

#include <ditharos/tensor/parallel.h>
#include <ditharos/tensor/tensor.h>

namespace ditharos::kernels {

/// C[m, n] = op(A)[m, k] op(B)[k, n] (+ C if accumulate) (+ bias[n]), row-major with leading dimensions in elements.
/// op(X) is X or its transpose; a transposed A is stored [k, m], a transposed B [n, k].
template <class T>
struct Gemm {
  int64_t m = 0, n = 0, k = 0;
  const T* a = nullptr;
  int64_t lda = 0;
  bool transpose_a = false;
  const T* b = nullptr;
  int64_t ldb = 0;
  bool transpose_b = false;
  T* c = nullptr;
  int64_t ldc = 0;
  const T* bias = nullptr;
  bool accumulate = false;
};

/// Runs it on all threads. The oneDNN build uses oneDNN for float.
void gemm(const Gemm<float>& g);
void gemm(const Gemm<double>& g);
/// Our own, for every build; the tests' oracle.
template <class T> void gemm_native(const Gemm<T>& g);
/// A batch of equal shapes: entry i adds offsets(i) to the three pointers (0 shares an operand).
struct GemmOffsets { int64_t a, b, c; };
template <class T> void gemm_batched(const Gemm<T>& g, int64_t batch, FunctionRef<GemmOffsets(int64_t entry)> offsets);
/// "oneDNN 2.6.3 (avx512_core)" or "native".
const char* gemm_backend();

/// matmul(a, b) of any rank with broadcasting over the leading axes; the last two multiply. Vectors as in NumPy.
Tensor matmul(const Tensor& a, const Tensor& b);
/// y = x W^T + bias; x [..., in], W [out, in], bias [out] or undefined; y [..., out].
Tensor linear(const Tensor& x, const Tensor& weight, const Tensor& bias);
/// Gradients of linear: dx = dy W; dW = dy^T x; dbias = sum of the rows of dy. dy [..., out].
Tensor linear_backward_input(const Tensor& grad, const Tensor& weight);
Tensor linear_backward_weight(const Tensor& grad, const Tensor& x);
Tensor linear_backward_bias(const Tensor& grad);

}  // namespace ditharos::kernels
