#include <ditharos/models/dit/coordinates.h>

#include <cmath>
#include <numbers>
#include <vector>

#include <ditharos/autograd/ops.h>

namespace ditharos::models {

Tensor coordinate_features(const PatchGrid& grid, int64_t octaves, DType dtype) {
  check<ConfigError>(octaves >= 1 && octaves <= 16, "[coordinates] the number of octaves must be between 1 and ",
                     "16, got ", octaves);
  std::vector<double> features;
  const auto add = [&](int64_t i, int64_t n) {
    const double u = (double(i) + .5) / double(n);
    for (int64_t k = 0; k < octaves; ++k) {
      const double angle = std::numbers::pi * std::ldexp(u, int(k));
      features.push_back(std::sin(angle));
      features.push_back(std::cos(angle));
    }
  };
  for (int64_t frame = 0; frame < grid.frames; ++frame) {
    for (int64_t row = 0; row < grid.rows; ++row) {
      for (int64_t column = 0; column < grid.columns; ++column) {
        add(frame, grid.frames);
        add(row, grid.rows);
        add(column, grid.columns);
      }
    }
  }
  return to(from_vector(features, {grid.tokens(), coordinate_width(octaves)}), dtype);
}

}  // namespace ditharos::models
