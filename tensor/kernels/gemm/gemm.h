#pragma once
// Internal to tensor/kernels/.
// The interface to a matrix library, with two implementations: oneDNN for f32 and bf16, and a native kernel for f64,
// for builds without oneDNN and as the reference of the tests.
//
// Products of bf16 sum in f32. Where the CPU has no instructions for them, their tiles are widened to f32, so they take
// as long as products of f32.
//
// Products are split into tiles whose sizes depend on the shape alone, and each tile runs on one thread. So the bits of
// a result do not depend on the number of threads. With a library's own threading they would.
#include <cstdint>

#include <ditharos/tensor/parallel.h>
#include <ditharos/tensor/product_dtype.h>

namespace ditharos::kernels {

/// C[m, n] = op(A)[m, k] op(B)[k, n] (+ C if accumulate) (+ bias[n]), row-major with leading dimensions in elements.
/// op(X) is X or its transpose; a transposed A is stored [k, m], a transposed B [n, k]. T: of C; In: of A
/// and B; the bias has the type of the sums.
template <class T, class In = T>
struct Gemm {
  int64_t m = 0, n = 0, k = 0;
  const In* a = nullptr;
  int64_t lda = 0;
  bool transpose_a = false;
  const In* b = nullptr;
  int64_t ldb = 0;
  bool transpose_b = false;
  T* c = nullptr;
  int64_t ldc = 0;
  const ProductOf<T>* bias = nullptr;
  bool accumulate = false;
};

/// Computes C on all threads.
void gemm(const Gemm<float>& g);
void gemm(const Gemm<double>& g);
void gemm(const Gemm<float, bfloat16>& g);
/// Sums in f32 that are rounded once. Not with accumulate.
void gemm(const Gemm<bfloat16, bfloat16>& g);

/// The same, and calls then(piece) for every piece of C as soon as it is final, on the thread that computed it and has
/// it in its cache. A piece is g with the m, n, c and ldc of a part of C. The parts cover C once.
template <class T, class In>
void gemm_then(const Gemm<T, In>& g, FunctionRef<void(const Gemm<T, In>& piece)> then);

/// A batch of equal shapes: entry i adds offsets(i) to the three pointers (0 shares an operand).
struct GemmOffsets {
  int64_t a, b, c;
};
template <class T, class In>
void gemm_batched(const Gemm<T, In>& g, int64_t batch, FunctionRef<GemmOffsets(int64_t entry)> offsets);

/// gemm() by the native kernel, in every build.
template <class T>
void gemm_native(const Gemm<T>& g);

}  // namespace ditharos::kernels
