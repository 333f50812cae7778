#pragma once
// Internal to tensor/kernels/.
// The inner loops of matrix products. Only for *_isa.cpp.
//
// A micro-kernel keeps a block of the result, `rows` x `vectors` registers, while it runs over the sum: each step
// loads one row of B and multiplies it with one scalar of A for every row of the block. See Goto and van de Geijn,
// "Anatomy of high-performance matrix multiplication", 2008.
//
// Operands have the type In: that of the result, or BfloatPair, which holds two terms of the sum (simd/bfloat_pair.h).
#include <ditharos/tensor/kernels/simd/bfloat_pair.h>
#include <ditharos/tensor/kernels/simd/vector.h>

namespace ditharos::kernels::DITHAROS_ISA {
namespace {

/// Column steps of a register, and of the widest block.
inline constexpr int steps_of_vector = lanes<float> / column_step<float>;
inline constexpr int most_vectors = vector_registers == 32 ? 4 : 2;
inline constexpr int most_steps = most_vectors * steps_of_vector;
/// Rows of a block with `vectors` registers a row: as many as leave registers for a row of B and a scalar of A.
constexpr int rows_of_block(int vectors) { return vectors == 1 ? 8 : (vector_registers - vectors - 2) / vectors; }

/// The compiler would load a scalar again for the half register.
template <class V>
inline void keep_in_register([[maybe_unused]] V& x) {
#ifdef __AVX512F__
  __asm__("" : "+v"(x));
#endif
}

/// C[rows, n] = (add ? C : 0) + A[rows, k] B[k, n] for n = steps * column_step columns. A's strides are free, B's and
/// C's rows are contiguous.
template <class T, class In, int rows, int steps>
__attribute__((noinline)) void block(int64_t k, const In* a, int64_t row_a, int64_t column_a, const In* b, int64_t ldb,
                                     T* c, int64_t ldc, bool add) {
  constexpr int vectors = steps / steps_of_vector;
  constexpr bool half = steps % steps_of_vector != 0;
  using Half = Vector<T, column_step<T>>;
  Vector<T> sum[rows][vectors + 1];  // without the last one
  Half rest[rows];
#pragma GCC unroll 16
  for (int i = 0; i < rows; ++i) {
#pragma GCC unroll 4
    for (int j = 0; j < vectors; ++j) sum[i][j] = Vector<T>{};
    if constexpr (half) rest[i] = Half{};
  }
  for (int64_t p = 0; p < k; ++p) {
    Vector<In> row[vectors + 1];
    Vector<In, column_step<In>> row_rest;
#pragma GCC unroll 4
    for (int j = 0; j < vectors; ++j) row[j] = load(b + j * lanes<In>);
    if constexpr (half) row_rest = read<Vector<In, column_step<In>>>(b + vectors * lanes<In>);
#pragma GCC unroll 16
    for (int i = 0; i < rows; ++i) {
      Vector<In> factor = a[i * row_a] - Vector<In>{};
      if constexpr (half && vectors > 0) keep_in_register(factor);
#pragma GCC unroll 4
      for (int j = 0; j < vectors; ++j) sum[i][j] = multiply_add(sum[i][j], factor, row[j]);
      if constexpr (half) rest[i] = multiply_add(rest[i], lower_half<In>(factor), row_rest);
    }
    a += column_a;
    b += ldb;
  }
#pragma GCC unroll 16
  for (int i = 0; i < rows; ++i) {
    const auto put = [add](T* to, auto x) { write(to, add ? read<decltype(x)>(to) + x : x); };
#pragma GCC unroll 4
    for (int j = 0; j < vectors; ++j) put(c + i * ldc + j * lanes<T>, sum[i][j]);
    if constexpr (half) put(c + i * ldc + vectors * lanes<T>, rest[i]);
  }
}

/// The same for `rows` in [1, most].
template <class T, class In, int most, int steps>
inline void short_block(int rows, int64_t k, const In* a, int64_t row_a, int64_t column_a, const In* b, int64_t ldb,
                        T* c, int64_t ldc, bool add) {
  if (rows == most) block<T, In, most, steps>(k, a, row_a, column_a, b, ldb, c, ldc, add);
  else if constexpr (most > 1) short_block<T, In, most - 1, steps>(rows, k, a, row_a, column_a, b, ldb, c, ldc, add);
}

/// The same for any number of rows m.
template <class T, class In, int steps>
inline void panel(int64_t m, int64_t k, const In* a, int64_t row_a, int64_t column_a, const In* b, int64_t ldb, T* c,
                  int64_t ldc, bool add) {
  constexpr int most = rows_of_block((steps + steps_of_vector - 1) / steps_of_vector);
  // Even heights: 49 rows go as 9 blocks of five or six, not as 8 of six and a slow one of one.
  const int64_t blocks = (m + most - 1) / most;
  for (int64_t r = 0; r < blocks; ++r) {
    const int64_t begin = m * r / blocks, end = m * (r + 1) / blocks;
    short_block<T, In, most, steps>(static_cast<int>(end - begin), k, a + begin * row_a, row_a, column_a, b, ldb,
                                    c + begin * ldc, ldc, add);
  }
}

/// C[m, n] (+)= A[m, k] B[k, n] for a panel of B that has n / column_step <= most_steps steps.
template <class T, class In, int most = most_steps>
inline void panel_of_width(int64_t n, int64_t m, int64_t k, const In* a, int64_t row_a, int64_t column_a, const In* b,
                           int64_t ldb, T* c, int64_t ldc, bool add) {
  if (n == most * column_step<T>) panel<T, In, most>(m, k, a, row_a, column_a, b, ldb, c, ldc, add);
  else if constexpr (most > 1) panel_of_width<T, In, most - 1>(n, m, k, a, row_a, column_a, b, ldb, c, ldc, add);
}

}  // namespace
}  // namespace ditharos::kernels::DITHAROS_ISA
