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
/// The same, and calls then(piece) for every piece of C as soon as it is final, on the thread that has just made it and
/// still has it in its cache. A piece is g with the m, n, c and ldc of a part of C; the parts cover C once.
template <class T> void gemm_then(const Gemm<T>& g, FunctionRef<void(const Gemm<T>& piece)> then);
/// Our own, for every build; the tests' oracle.
template <class T> void gemm_native(const Gemm<T>& g);
/// A batch of equal shapes: entry i adds offsets(i) to the three pointers (0 shares an operand).
struct GemmOffsets { int64_t a, b, c; };
template <class T> void gemm_batched(const Gemm<T>& g, int64_t batch, FunctionRef<GemmOffsets(int64_t entry)> offsets);
/// What gemm() would be without its promise, for measurements alone: one call of oneDNN on a team of its own. The bits
/// depend on the number of threads. False, and nothing done, where oneDNN is not there.
bool gemm_by_library_threads(const Gemm<float>& g, int threads);
/// "oneDNN 2.6.3 (avx512_core)" or "native".
const char* gemm_backend();

}  // namespace ditharos::kernels
