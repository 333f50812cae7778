#include <ditharos/models/dit/embedding/coordinates.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>
#include <vector>

#include <ditharos/autograd/ops.h>

namespace ditharos::models {
namespace {

/// Frames, rows and columns of each direction: those whose first number that is not zero is positive.
std::array<std::array<int, 3>, wave_directions> directions() {
  std::array<std::array<int, 3>, wave_directions> all{};
  for (int i = 0; i < int(wave_directions); ++i) {
    const int code = i + 14;  // in base 3, with digits -1, 0 and 1: 13 is (0, 0, 0)
    all[size_t(i)] = {code / 9 - 1, code / 3 % 3 - 1, code % 3 - 1};
  }
  return all;
}

}  // namespace

Tensor coordinate_features(const PatchGrid& grid, int64_t bands, DType dtype) {
  check<ConfigError>(bands >= 1 && bands <= 16, "[coordinates] the number of frequency bands must be between 1 and ",
                     "16, got ", bands);
  // ShapeError for a table too large for any memory.
  static_cast<void>(numel({grid.frames, grid.rows, grid.columns, coordinate_width(bands)}));
  const auto ways = directions();
  const auto shorter = double(std::min(grid.rows, grid.columns));
  const auto share = [](int64_t i, int64_t n) { return (double(i) + .5) / double(n); };
  const auto from_middle = [&](int64_t i, int64_t n) { return .5 + (double(i) + .5 - .5 * double(n)) / shorter; };
  std::vector<double> features;
  const auto add_waves = [&](double frame, double row, double column) {
    for (int64_t k = 0; k < bands; ++k) {
      for (const std::array<int, 3>& way : ways) {
        const double angle = std::numbers::pi * std::ldexp(way[0] * frame + way[1] * row + way[2] * column, int(k));
        features.push_back(std::sin(angle));
        features.push_back(std::cos(angle));
      }
    }
  };
  for (int64_t i = 0; i < grid.tokens(); ++i) {
    const int64_t row = i / grid.columns % grid.rows, column = i % grid.columns;
    const double frame = share(i / (grid.rows * grid.columns), grid.frames);
    add_waves(frame, share(row, grid.rows), share(column, grid.columns));
    add_waves(frame, from_middle(row, grid.rows), from_middle(column, grid.columns));
  }
  return to(from_vector(features, {grid.tokens(), coordinate_width(bands)}), dtype);
}

}  // namespace ditharos::models
