#pragma once
// Internal to tensor/kernels/.
// Transposes in registers. Only for *_isa.cpp.
#include <ditharos/tensor/kernels/simd/vector.h>

namespace ditharos::kernels::DITHAROS_ISA {
namespace {

/// a0 b0 a1 b1 ... from the lower or the upper halves of a and b.
template <bool upper, class T, int n>
inline Vector<T, n> interleave(Vector<T, n> a, Vector<T, n> b) {
  constexpr int first = upper ? n / 2 : 0;
  Indices<T, n> from{};
#pragma GCC unroll 8
  for (int i = 0; i < n / 2; ++i) {
    from[2 * i] = first + i;
    from[2 * i + 1] = n + first + i;
  }
  return shuffle<T, n>(a, b, from);
}

/// Transposes a square of n x n: each round interleaves row i with row i + n/2, and after log2(n) rounds the bits of
/// row and column numbers have changed places.
template <class T, int n>
inline void transpose_square(const T* from, int64_t ld_from, T* to, int64_t ld_to) {
  Vector<T, n> rows[n], next[n];
#pragma GCC unroll 16
  for (int i = 0; i < n; ++i) rows[i] = read<Vector<T, n>>(from + i * ld_from);
#pragma GCC unroll 4
  for (int round = 1; round < n; round *= 2) {
#pragma GCC unroll 8
    for (int i = 0; i < n / 2; ++i) {
      next[2 * i] = interleave<false, T, n>(rows[i], rows[i + n / 2]);
      next[2 * i + 1] = interleave<true, T, n>(rows[i], rows[i + n / 2]);
    }
#pragma GCC unroll 16
    for (int i = 0; i < n; ++i) rows[i] = next[i];
  }
#pragma GCC unroll 16
  for (int i = 0; i < n; ++i) write(to + i * ld_to, rows[i]);
}

/// to[j, i] = from[i, j] for i < rows and j < columns. Both are rounded up to whole column steps in `to`: further i get
/// zeros, further j may get anything.
template <class T>
void transpose(int64_t rows, int64_t columns, const T* from, int64_t ld_from, T* to, int64_t ld_to) {
  constexpr int n = lanes<T>, step = column_step<T>;
  const int64_t whole_rows = rows / step * step, whole_columns = columns / step * step;
  for (int64_t i = 0; i < whole_rows;) {
    const bool wide = i + n <= whole_rows;
    int64_t j = 0;
    for (; wide && j + n <= whole_columns; j += n)
      transpose_square<T, n>(from + i * ld_from + j, ld_from, to + j * ld_to + i, ld_to);
    const int64_t end = wide ? i + n : i + step;
    for (; i < end; i += step)
      for (int64_t l = j; l < whole_columns; l += step)
        transpose_square<T, step>(from + i * ld_from + l, ld_from, to + l * ld_to + i, ld_to);
  }
  // Squares that are not full are copied first.
  const auto edge = [&](int64_t i, int64_t j) {
    T square[step * step] = {};
    for (int64_t k = i; k < rows && k < i + step; ++k)
      for (int64_t l = j; l < columns && l < j + step; ++l) square[(k - i) * step + l - j] = from[k * ld_from + l];
    transpose_square<T, step>(square, step, to + j * ld_to + i, ld_to);
  };
  if (whole_columns < columns)
    for (int64_t i = 0; i < whole_rows; i += step) edge(i, whole_columns);
  if (whole_rows < rows)
    for (int64_t j = 0; j < columns; j += step) edge(whole_rows, j);
}

}  // namespace
}  // namespace ditharos::kernels::DITHAROS_ISA
