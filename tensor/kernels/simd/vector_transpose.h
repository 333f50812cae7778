#pragma once
// Internal to tensor/kernels/.
// Transposes in registers. Only for *_isa.cpp.
#include <ditharos/tensor/kernels/simd/vector.h>

namespace ditharos::kernels::DITHAROS_ISA {
namespace {

/// a0 b0 a1 b1 ... from the lower or the upper halves of a and b.
template <bool upper, class T>
inline Vector<T> interleave(Vector<T> a, Vector<T> b) {
  constexpr int n = lanes<T>, first = upper ? n / 2 : 0;
  Indices<T> from{};
#pragma GCC unroll 8
  for (int i = 0; i < n / 2; ++i) {
    from[2 * i] = first + i;
    from[2 * i + 1] = n + first + i;
  }
  return shuffle<T>(a, b, from);
}

/// Transposes a square of lanes x lanes: each round interleaves row i with row i + lanes/2, and after log2(lanes)
/// rounds the bits of row and column numbers have changed places.
template <class T>
inline void transpose_square(const T* from, int64_t ld_from, T* to, int64_t ld_to) {
  constexpr int n = lanes<T>;
  Vector<T> rows[n], next[n];
#pragma GCC unroll 16
  for (int i = 0; i < n; ++i) rows[i] = load(from + i * ld_from);
#pragma GCC unroll 4
  for (int round = 1; round < n; round *= 2) {
#pragma GCC unroll 8
    for (int i = 0; i < n / 2; ++i) {
      next[2 * i] = interleave<false, T>(rows[i], rows[i + n / 2]);
      next[2 * i + 1] = interleave<true, T>(rows[i], rows[i + n / 2]);
    }
#pragma GCC unroll 16
    for (int i = 0; i < n; ++i) rows[i] = next[i];
  }
#pragma GCC unroll 16
  for (int i = 0; i < n; ++i) store(to + i * ld_to, rows[i]);
}

/// to[j, i] = from[i, j] for sizes that are multiples of the lanes.
template <class T>
inline void transpose(int64_t rows, int64_t columns, const T* from, int64_t ld_from, T* to, int64_t ld_to) {
  for (int64_t i = 0; i < rows; i += lanes<T>)
    for (int64_t j = 0; j < columns; j += lanes<T>)
      transpose_square(from + i * ld_from + j, ld_from, to + j * ld_to + i, ld_to);
}

}  // namespace
}  // namespace ditharos::kernels::DITHAROS_ISA
