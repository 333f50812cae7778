#pragma once
// Sample grids: a batch of images side by side on white, as one PNG.
#include <cstdint>
#include <string>
#include <vector>

#include <ditharos/tensor/tensor.h>

namespace ditharos::data {

struct GridOptions {
  int64_t columns = 0;  ///< images per row; 0: as square a grid as possible
  int64_t padding = 2;  ///< white pixels around every image, at scale 1
  int64_t scale = 1;    ///< every image's pixel becomes scale x scale pixels
  /// Labels of the rows, drawn beside or above them: at most as many as there are rows. None: no space is reserved.
  std::vector<std::string> row_labels = {};
  enum class LabelPlace { left, above } label_place = LabelPlace::left;
};

/// The grid as u8 [C, height, width]. `images` f32 [N, C, H, W] in [-1, 1] with C 1 or 3, any strides; values outside
/// are clamped. ShapeError or ConfigError for impossible sizes or options, Error when an element is not a number.
Tensor make_grid(const Tensor& images, const GridOptions& options = {});
/// Writes it as PNG, atomically; IoError naming the file.
void save_grid(const std::string& path, const Tensor& images, const GridOptions& options = {});

}  // namespace ditharos::data
