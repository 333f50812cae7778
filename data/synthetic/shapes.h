#pragma once
// Synthetic images: ten shapes, each at a random position, size, angle and brightness. A data set without files, for
// tests and for machines without real data sets.
#include <cstdint>
#include <string>
#include <vector>

#include <ditharos/data/datasets/dataset.h>

namespace ditharos::data {

/// disc, ring, square, frame, triangle, diamond, cross, star, stripes, checker.
const std::vector<std::string>& shape_class_names();

struct ShapesOptions {
  int64_t count = 0;     ///< number of images; 0: 20,000 for train and 2,000 for test
  int64_t size = 28;     ///< height and width in pixels, 8..1024
  int64_t channels = 1;  ///< 1: a gray shape on black; 3: a coloured one
  uint64_t seed = 0;
};

/// The data set. Image i has label i mod 10 and depends only on (seed, split, i): a larger set begins with the smaller
/// one. The splits draw from independent random streams. ConfigError when an option is out of range.
[[nodiscard]] Dataset make_shapes(Split split, const ShapesOptions& options = {});

/// Draws image i of the data set into `out`, u8 [channels, size, size].
void draw_shape(uint8_t* out, int64_t i, Split split, const ShapesOptions& options);

}  // namespace ditharos::data
