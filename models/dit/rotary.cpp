#include <ditharos/models/dit/rotary.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include <ditharos/autograd/ops.h>

namespace ditharos::models {
namespace {

/// cos and sin of position * base^(-i / pairs), [positions, pairs] each.
struct AxisTable {
  AxisTable(int64_t positions, int64_t n, double base) : pairs(n) {
    for (int64_t position = 0; position < positions; ++position) {
      for (int64_t i = 0; i < pairs; ++i) {
        const double angle = double(position) * std::pow(base, -double(i) / double(pairs));
        cosines.push_back(std::cos(angle));
        sines.push_back(std::sin(angle));
      }
    }
  }
  static void append(std::vector<double>& row, const std::vector<double>& table, int64_t position, int64_t pairs) {
    row.insert(row.end(), table.begin() + position * pairs, table.begin() + (position + 1) * pairs);
  }

  int64_t pairs;
  std::vector<double> cosines, sines;
};

/// cosines and sines [T, pairs of a head], those of frames first, then of rows, then of columns.
RotaryTable table_of(const PatchGrid& grid, const RotaryPairs& pairs, double base, DType dtype) {
  check<ConfigError>(std::isfinite(base) && base > 1, "[rotary] the base must be above 1, got ", base);
  const int64_t all = pairs.frames + pairs.rows + pairs.columns;
  // ShapeError for a table too large for any memory.
  static_cast<void>(numel({grid.frames, grid.rows, grid.columns, 2 * all}));
  const AxisTable frames(grid.frames, pairs.frames, base), rows(grid.rows, pairs.rows, base),
      columns(grid.columns, pairs.columns, base);
  std::vector<double> cosines, sines;
  for (int64_t token = 0; token < grid.tokens(); ++token) {
    const int64_t column = token % grid.columns, row = token / grid.columns % grid.rows;
    const int64_t frame = token / (grid.columns * grid.rows);
    const auto add = [&](const AxisTable& axis, int64_t position) {
      AxisTable::append(cosines, axis.cosines, position, axis.pairs);
      AxisTable::append(sines, axis.sines, position, axis.pairs);
    };
    add(frames, frame);
    add(rows, row);
    add(columns, column);
  }
  const Shape shape{grid.tokens(), all};
  return {to(from_vector(cosines, shape), dtype), to(from_vector(sines, shape), dtype)};
}

}  // namespace

RotaryPairs rotary_pairs(int64_t head_size) {
  check<ConfigError>(head_size >= 6 && head_size % 2 == 0, "[rotary] a head needs an even size of at least 6, so that ",
                     "frame, row and column each turn a pair of elements; got ", head_size);
  const int64_t pairs = head_size / 2, spatial = std::max<int64_t>(1, 3 * pairs / 8);
  return {pairs - 2 * spatial, spatial, spatial};
}

RotaryTable rotary_table(const PatchGrid& grid, int64_t head_size, double base, DType dtype) {
  return table_of(grid, rotary_pairs(head_size), base, dtype);
}

RotaryTable spatial_rotary_table(const PatchGrid& grid, int64_t head_size, double base, DType dtype) {
  check<ConfigError>(head_size >= 4 && head_size % 4 == 0, "[rotary] a head needs a size divisible by 4, pairs for ",
                     "rows and as many for columns; got ", head_size);
  RotaryTable table = table_of(grid, {0, head_size / 4, head_size / 4}, base, dtype);
  table.pairs = RopePairs::interleaved;
  return table;
}

RotaryTable with_unrotated(const RotaryTable& table, int64_t tokens) {
  const Shape shape{tokens, table.cosines.size(1)};
  const DType dtype = table.cosines.dtype();
  return {cat({table.cosines, ones(shape, dtype)}, 0), cat({table.sines, zeros(shape, dtype)}, 0), table.pairs};
}

}  // namespace ditharos::models
