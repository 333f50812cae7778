#pragma once
// Internal to data/synthetic/.
// Segmentation of the largest object in a frame from the sky.
#include <cstdint>
#include <vector>

#include <ditharos/data/synthetic/sky.h>

namespace ditharos::data {

/// Pixels that belong to one object, and the smallest box around them.
struct ObjectMask {
  std::vector<uint8_t> inside;                       ///< [H, W]: 1 inside of the object, else 0
  int64_t area = 0;                                  ///< in pixels; 0: no object was found
  int64_t top = 0, bottom = 0, left = 0, right = 0;  ///< rows [top, bottom), columns [left, right)
  int64_t longer_side() const { return bottom - top > right - left ? bottom - top : right - left; }
};

/// The object with the longest side: pixels that differ clearly from the sky, connected across gaps of at most one
/// pixel, with their holes. Objects of fewer than 6 pixels, such as stars, are ignored. `pixels` u8 [3, H, W].
ObjectMask find_object(const uint8_t* pixels, int64_t height, int64_t width, const Gradient& sky);

/// The object in shades of gray on black, its longer side filling `side` pixels, u8 [side, side] to `out`. Each pixel
/// is separated into the object's colour and the sky's; the share of the object's colour is the brightness, from the
/// darkest shade of cut_out to the brightest one of the object.
void draw_object(uint8_t* out, int64_t side, const ObjectMask& object, const uint8_t* pixels, int64_t height,
                 int64_t width, const Gradient& sky);

}  // namespace ditharos::data
