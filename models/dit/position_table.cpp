#include <ditharos/models/dit/position_table.h>

#include <cmath>
#include <vector>

#include <ditharos/tensor/error.h>
#include <ditharos/tensor/factory.h>

namespace ditharos::models {

Tensor position_table(int64_t rows, int64_t columns, int64_t width) {
  check<ConfigError>(width >= 4 && width % 4 == 0, "[position_table] the width must be divisible by 4, got ", width);
  static_cast<void>(numel({rows, columns, width}));  // ShapeError for a table too large for any memory
  const int64_t frequencies = width / 4;
  std::vector<float> table(static_cast<size_t>(rows * columns * width));
  float* out = table.data();
  for (int64_t row = 0; row < rows; ++row) {
    for (int64_t column = 0; column < columns; ++column) {
      for (const int64_t position : {column, row}) {
        for (int64_t i = 0; i < frequencies; ++i) {
          const double angle = double(position) * std::pow(10000.0, -double(i) / double(frequencies));
          out[i] = static_cast<float>(std::sin(angle));
          out[frequencies + i] = static_cast<float>(std::cos(angle));
        }
        out += 2 * frequencies;
      }
    }
  }
  return from_vector(table, {1, rows * columns, width});
}

}  // namespace ditharos::models
