#include <ditharos/tensor/kernels/gemm_tiles.h>

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
constexpr int64_t most_tiles = 16;      // unless that makes them larger than the caches like
constexpr int64_t most_rows = 512;
constexpr int64_t most_columns = 1536;
constexpr int64_t fewest_columns = 64;  // a micro-kernel's width
constexpr int64_t shortest_depth = 512;

}  // namespace

GemmTiles gemm_tiles(int64_t m, int64_t n, int64_t k, bool transpose_a) {
  const double work = 2.0 * static_cast<double>(m) * static_cast<double>(n) * static_cast<double>(k);
  const int64_t wanted = power_of_two_below(static_cast<int64_t>(std::min(work / work_of_a_tile, double(most_tiles))));

  // Rows first: such a tile reads its rows of A once and shares B's columns with the others through the cache.
  const int64_t fewest_rows = transpose_a ? 24 : 64;
  int64_t row_pieces = std::min(wanted, power_of_two_below(m / fewest_rows));
  row_pieces = std::max(row_pieces, ceil_div(ceil_div(m, most_rows), 4) * (m > most_rows ? 4 : 1));
  int64_t column_pieces = std::min(power_of_two_below(wanted / row_pieces), power_of_two_below(n / fewest_columns));
  column_pieces = std::max(column_pieces, ceil_div(n, most_columns));

  // Too few tiles for four threads, and a long sum: cut the sum.
  const int64_t missing = std::min<int64_t>(wanted, 4) / (row_pieces * column_pieces);
  const int64_t depth_pieces = std::min(power_of_two_below(missing), power_of_two_below(k / shortest_depth));
  return {piece_size(m, row_pieces, 4), piece_size(n, column_pieces, 16), piece_size(k, depth_pieces, 16)};
}

}  // namespace ditharos::kernels
