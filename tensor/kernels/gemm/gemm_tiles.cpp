#include <ditharos/tensor/kernels/gemm/gemm_tiles.h>

#include <algorithm>
#include <bit>

namespace ditharos::kernels {
namespace {

int64_t ceil_div(int64_t a, int64_t b) { return (a + b - 1) / b; }

/// The largest power of two not above x, at least 1. Powers of two share out evenly on 2, 4, 8 and 16 threads.
int64_t power_of_two_below(int64_t x) {
  return x < 2 ? 1 : static_cast<int64_t>(std::bit_floor(static_cast<uint64_t>(x)));
}

/// Size of the pieces when n is cut into `pieces`, a multiple of `unit`.
int64_t piece_size(int64_t n, int64_t pieces, int64_t unit) {
  return std::min(n, ceil_div(ceil_div(n, pieces), unit) * unit);
}

constexpr double work_of_a_tile = 2e6;  // multiplications and additions: about 20 us on one core
constexpr int64_t most_tiles = 16;      // unless the tiles become too large for the caches
constexpr int64_t enough_tiles = 4;     // with fewer, tiles become smaller than usual
constexpr int64_t most_rows = 512;
constexpr int64_t most_columns = 1536;
constexpr int64_t shortest_depth = 512;

/// The smallest tiles that run at full speed.
struct Smallest {
  int64_t rows, columns;
};
Smallest usual(int64_t m, bool transpose_a, bool transpose_b) {
  if (transpose_a) return {m < 768 ? 96 : 192, 256};  // a weight gradient: m and n short, k long
  if (transpose_b) return {128, 64};                  // every tile makes its own copy of B, so it needs many rows
  return {64, 64};
}

}  // namespace

GemmTiles gemm_tiles(int64_t m, int64_t n, int64_t k, bool transpose_a, bool transpose_b) {
  const double work = 2.0 * static_cast<double>(m) * static_cast<double>(n) * static_cast<double>(k);
  const int64_t wanted = power_of_two_below(static_cast<int64_t>(std::min(work / work_of_a_tile, double(most_tiles))));
  const Smallest smallest = usual(m, transpose_a, transpose_b);

  // Rows first: such a tile reads its rows of A once, and all tiles read the same columns of B from the shared cache.
  int64_t row_pieces = std::min(wanted, power_of_two_below(m / smallest.rows));
  int64_t column_pieces = std::min(wanted / row_pieces, power_of_two_below(n / smallest.columns));
  const int64_t needed = std::min(wanted, enough_tiles);
  if (row_pieces * column_pieces < needed)
    row_pieces = std::min(needed / column_pieces, power_of_two_below(m / (transpose_a ? 24 : 16)));
  if (m > most_rows) row_pieces = std::max(row_pieces, ceil_div(ceil_div(m, most_rows), 4) * 4);
  column_pieces = std::max(column_pieces, ceil_div(n, most_columns));

  // Still too few tiles, and a long sum: split the sum.
  const int64_t depth_pieces =
      std::min(power_of_two_below(needed / (row_pieces * column_pieces)), power_of_two_below(k / shortest_depth));
  return {piece_size(m, row_pieces, 4), piece_size(n, column_pieces, 16), piece_size(k, depth_pieces, 16)};
}

}  // namespace ditharos::kernels
