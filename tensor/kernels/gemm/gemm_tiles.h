#pragma once
// Internal to tensor/kernels/.
// Splits a matrix product into pieces for threads. The split depends on the shape and the layout alone.
#include <cstdint>

namespace ditharos::kernels {

/// Sizes of one piece; the last one along each axis may be smaller.
struct GemmTiles {
  int64_t rows, columns;  ///< of the result
  int64_t depth;          ///< of the sum over k; pieces of one result are added in order

  int64_t count_rows(int64_t m) const { return (m + rows - 1) / rows; }
  int64_t count_columns(int64_t n) const { return (n + columns - 1) / columns; }
  int64_t count_depth(int64_t k) const { return (k + depth - 1) / depth; }
};

/// For m, n, k >= 1.
GemmTiles gemm_tiles(int64_t m, int64_t n, int64_t k, bool transpose_a, bool transpose_b);

}  // namespace ditharos::kernels
