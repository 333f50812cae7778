#pragma once
// Sample sheets: a batch of pictures side by side on white, as one PNG.
#include <cstdint>
#include <string>
#include <vector>

#include <ditharos/tensor/tensor.h>

namespace ditharos::data {

struct SheetOptions {
  int64_t columns = 0;  ///< pictures a row; 0: as square a sheet as possible
  int64_t padding = 2;  ///< white pixels around every picture, at scale 1
  int64_t scale = 1;    ///< every picture's pixel becomes scale x scale pixels
  /// One label a row, drawn beside or over it: at most as many as there are rows. None: no space is kept for them.
  std::vector<std::string> row_labels = {};
  enum class LabelPlace { left, above } label_place = LabelPlace::left;
};

/// The sheet as u8 [C, height, width]. `images` f32 [N, C, H, W] in [-1, 1] with C 1 or 3, any strides; values outside
/// are clamped. ShapeError or ConfigError for what cannot be drawn, Error when an element is not a number.
Tensor make_sheet(const Tensor& images, const SheetOptions& options = {});
/// Writes it as PNG, atomically; IoError naming the file.
void save_sheet(const std::string& path, const Tensor& images, const SheetOptions& options = {});

}  // namespace ditharos::data
