#pragma once
// Internal to data/codecs/.
// Images of at most 256 colours.
#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace ditharos::data {

/// Red, green, blue.
using ColorBytes = std::array<uint8_t, 3>;

/// The distinct colours of n pixels, planes [3, n], ascending. Where there are more than `most`, only a part of them,
/// but more than `most`.
std::vector<ColorBytes> distinct_colors(const uint8_t* planes, int64_t n, size_t most);

struct IndexedImage {
  std::vector<ColorBytes> palette;  ///< 1 to 256 colours
  std::vector<uint8_t> indices;     ///< [height * width], into the palette
};

/// An image, planes [3, height, width], with a palette of its own: all its colours where there are at most 256,
/// otherwise the best 256 by median cut, with ordered dithering between two of them. `top` and `left` are the position
/// in a larger image, so that the patterns of its parts fit together.
IndexedImage to_palette(const uint8_t* planes, int64_t height, int64_t width, int64_t top, int64_t left);
/// The same with a given palette, ascending, that holds every colour of the image.
std::vector<uint8_t> exact_indices(const uint8_t* planes, int64_t n, const std::vector<ColorBytes>& palette);

}  // namespace ditharos::data
