#include <ditharos/models/dit/embedding/position_table.h>

#include <cmath>
#include <vector>

#include <ditharos/tensor/error.h>
#include <ditharos/tensor/factory.h>

namespace ditharos::models {
namespace {

/// sin(position w_i), then cos, with w_i = 10000^(-i / frequencies): 2 frequencies numbers.
float* encode(float* out, double position, int64_t frequencies) {
  for (int64_t i = 0; i < frequencies; ++i) {
    const double angle = position * std::pow(10000.0, -double(i) / double(frequencies));
    out[i] = static_cast<float>(std::sin(angle));
    out[frequencies + i] = static_cast<float>(std::cos(angle));
  }
  return out + 2 * frequencies;
}

/// Of patch i of n. In float, as the released PixArt and SD3 were trained with.
double coordinate(int64_t i, int64_t n, const PositionScale& scale) {
  const double share = scale.base_size > 0 ? double(n) / double(scale.base_size) : 1;
  return static_cast<float>(i) / static_cast<float>(share) / static_cast<float>(scale.interpolation_scale);
}

}  // namespace

void PositionScale::validate(int64_t rows, int64_t columns) const {
  constexpr int64_t largest = 1 << 16;
  check<ConfigError>(base_size >= 0 && base_size <= largest, "base_size must be between 0 (none) and ", largest,
                     ", got ", base_size);
  check<ConfigError>(std::isfinite(interpolation_scale) && interpolation_scale >= 1e-3 && interpolation_scale <= 1e3,
                     "interpolation_scale must be between 0.001 and 1000, got ", interpolation_scale);
  check<ConfigError>(max_size >= 0 && max_size <= largest, "the table's max_size must be between 0 (none) and ",
                     largest, ", got ", max_size);
  check<ConfigError>(max_size == 0 || (rows <= max_size && columns <= max_size), rows, " rows and ", columns,
                     " columns of patches do not fit into a position table of max_size ", max_size);
}

Tensor position_table(int64_t rows, int64_t columns, int64_t width, const PositionScale& scale) {
  check<ConfigError>(width >= 4 && width % 4 == 0, "[position_table] the width must be divisible by 4, got ", width);
  static_cast<void>(numel({rows, columns, width}));  // ShapeError for a table too large for any memory
  std::vector<float> table(static_cast<size_t>(rows * columns * width));
  float* out = table.data();
  for (int64_t row = 0; row < rows; ++row) {
    for (int64_t column = 0; column < columns; ++column) {
      out = encode(out, coordinate(column, columns, scale), width / 4);
      out = encode(out, coordinate(row, rows, scale), width / 4);
    }
  }
  return from_vector(table, {1, rows * columns, width});
}

Tensor temporal_table(int64_t frames, int64_t width) {
  check<ConfigError>(width >= 2 && width % 2 == 0, "[temporal_table] the width must be even, got ", width);
  static_cast<void>(numel({frames, width}));
  std::vector<float> table(static_cast<size_t>(frames * width));
  float* out = table.data();
  for (int64_t frame = 0; frame < frames; ++frame) out = encode(out, double(frame), width / 2);
  return from_vector(table, {1, frames, width});
}

}  // namespace ditharos::models
