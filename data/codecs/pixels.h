#pragma once
// Internal to data/codecs/.
// Conversion of pixels between planes and the layouts of file formats.
#include <cstdint>
#include <vector>

namespace ditharos::data {

/// A value over a ground, rounded: (v a + g (255 - a)) / 255.
inline int over_ground(int value, int alpha, int ground) {
  return (value * alpha + ground * (255 - alpha) + 127) / 255;
}
inline int over_white(int value, int alpha) { return over_ground(value, alpha, 255); }
/// ITU-R BT.601's luma, rounded.
inline int luma(int red, int green, int blue) { return (299 * red + 587 * green + 114 * blue + 500) / 1000; }

/// n pixels with alpha, on white: [n, 4] -> [3, n]
void rgba_over_white(const uint8_t* rgba, int64_t n, uint8_t* planes);
/// [channels, n] -> [n, channels]
std::vector<uint8_t> interleave(const uint8_t* planes, int64_t channels, int64_t n);

/// The inverse: [n, channels] -> [channels, n]
void separate(const uint8_t* pixels, int64_t channels, int64_t n, uint8_t* planes);

/// A part of an image, in whole pixels.
struct PixelBox {
  int64_t top = 0, left = 0, height = 0, width = 0;
};
/// The smallest part of `after` that holds all pixels in which it differs from `before`, both [3, H, W]; its corner has
/// coordinates that `align` divides. One pixel where they are the same.
PixelBox changed_part(const uint8_t* before, const uint8_t* after, int64_t height, int64_t width, int64_t align);
/// A part of [3, H, W] as planes of its own.
std::vector<uint8_t> cut_out(const uint8_t* planes, int64_t height, int64_t width, const PixelBox& part);

}  // namespace ditharos::data
