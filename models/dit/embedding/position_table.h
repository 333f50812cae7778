#pragma once
// Fixed tables of positions: sines and cosines, computed in double.
#include <ditharos/tensor/tensor.h>

namespace ditharos::models {

/// The coordinates that a table of rows and columns encodes (as in PixArt-alpha and diffusers' PatchEmbed): of patch i
/// of n along an axis i base_size / n / interpolation_scale. The values of a model are those of the grid it was trained
/// on, so other grids cover the same range of coordinates.
struct PositionScale {
  int64_t base_size = 0;           ///< patches; 0: coordinates count patches, i / interpolation_scale
  double interpolation_scale = 1;  ///< above 0
  /// Above 0: the table is of this many rows and columns, and a grid takes its rows and columns from the middle (as
  /// SD3).
  int64_t max_size = 0;

  /// ConfigError unless the values are usable and the grid fits into max_size.
  void validate(int64_t rows, int64_t columns) const;
  friend bool operator==(const PositionScale&, const PositionScale&) = default;
};

/// The fixed position table [1, rows * columns, width]: the first half encodes the column, the second the row, each as
/// sin(p w_i) then cos(p w_i) with w_i = 10000^(-i / (width/4)), as in the released DiT. `width` is divisible by 4. The
/// scale's max_size is not used here.
[[nodiscard]] Tensor position_table(int64_t rows, int64_t columns, int64_t width, const PositionScale& scale = {});

/// The fixed table of frames [1, frames, width]: sin(f w_i) then cos(f w_i) with w_i = 10000^(-i / (width/2)), as in
/// Latte. `width` is even.
[[nodiscard]] Tensor temporal_table(int64_t frames, int64_t width);

}  // namespace ditharos::models
