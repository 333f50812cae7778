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

/// Widest block of columns, in vectors.
inline constexpr int most_vectors = vector_registers == 32 ? 4 : 2;
/// Rows of a block `vectors` wide: as many as leave registers for a row of B and a scalar of A.
constexpr int rows_of_block(int vectors) { return vectors == 1 ? 8 : (vector_registers - vectors - 2) / vectors; }

/// C[rows, vectors * lanes] = (add ? C : 0) + A[rows, k] B[k, vectors * lanes]. A's strides are free, B's and C's rows
/// are contiguous.
template <class T, class In, int rows, int vectors>
__attribute__((noinline)) void block(int64_t k, const In* a, int64_t row_a, int64_t column_a, const In* b, int64_t ldb,
                                     T* c, int64_t ldc, bool add) {
  Vector<T> sum[rows][vectors];
#pragma GCC unroll 16
  for (int i = 0; i < rows; ++i)
#pragma GCC unroll 4
    for (int j = 0; j < vectors; ++j) sum[i][j] = Vector<T>{};
  for (int64_t p = 0; p < k; ++p) {
    Vector<In> row[vectors];
#pragma GCC unroll 4
    for (int j = 0; j < vectors; ++j) row[j] = load(b + j * lanes<In>);
#pragma GCC unroll 16
    for (int i = 0; i < rows; ++i)
#pragma GCC unroll 4
      for (int j = 0; j < vectors; ++j) sum[i][j] = multiply_add(sum[i][j], a[i * row_a], row[j]);
    a += column_a;
    b += ldb;
  }
#pragma GCC unroll 16
  for (int i = 0; i < rows; ++i)
#pragma GCC unroll 4
    for (int j = 0; j < vectors; ++j) {
      T* to = c + i * ldc + j * lanes<T>;
      store(to, add ? load(to) + sum[i][j] : sum[i][j]);
    }
}

/// The same for `rows` in [1, most].
template <class T, class In, int most, int vectors>
inline void short_block(int rows, int64_t k, const In* a, int64_t row_a, int64_t column_a, const In* b, int64_t ldb,
                        T* c, int64_t ldc, bool add) {
  if (rows == most) block<T, In, most, vectors>(k, a, row_a, column_a, b, ldb, c, ldc, add);
  else if constexpr (most > 1) short_block<T, In, most - 1, vectors>(rows, k, a, row_a, column_a, b, ldb, c, ldc, add);
}

/// The same for any number of rows m.
template <class T, class In, int vectors>
inline void panel(int64_t m, int64_t k, const In* a, int64_t row_a, int64_t column_a, const In* b, int64_t ldb, T* c,
                  int64_t ldc, bool add) {
  constexpr int most = rows_of_block(vectors);
  // Even heights: 49 rows go as 9 blocks of five or six, not as 8 of six and a slow one of one.
  const int64_t blocks = (m + most - 1) / most;
  for (int64_t r = 0; r < blocks; ++r) {
    const int64_t begin = m * r / blocks, end = m * (r + 1) / blocks;
    short_block<T, In, most, vectors>(static_cast<int>(end - begin), k, a + begin * row_a, row_a, column_a, b, ldb,
                                  c + begin * ldc, ldc, add);
  }
}

/// C[m, width] (+)= A[m, k] B[k, width] for a panel of B at most most_vectors wide; width is a multiple of the lanes.
template <class T, class In>
inline void panel_of_width(int64_t width, int64_t m, int64_t k, const In* a, int64_t row_a, int64_t column_a,
                           const In* b, int64_t ldb, T* c, int64_t ldc, bool add) {
  switch (width / lanes<T>) {
    case 1: return panel<T, In, 1>(m, k, a, row_a, column_a, b, ldb, c, ldc, add);
    case 2: return panel<T, In, 2>(m, k, a, row_a, column_a, b, ldb, c, ldc, add);
    default: break;
  }
  if constexpr (most_vectors == 4) {
    if (width / lanes<T> == 3) panel<T, In, 3>(m, k, a, row_a, column_a, b, ldb, c, ldc, add);
    else panel<T, In, 4>(m, k, a, row_a, column_a, b, ldb, c, ldc, add);
  }
}

}  // namespace
}  // namespace ditharos::kernels::DITHAROS_ISA
