#pragma once
// Internal to data/synthetic/.
// The sky behind an object, found from a frame's pixels alone.
#include <cstdint>

#include <ditharos/data/synthetic/sky.h>

namespace ditharos::data {

/// The vertical gradient that most pixels of a frame lie near: of nine guesses the one with the largest consensus,
/// refined by least squares whose weights fall with the distance (Geman and McClure 1987). An object may cover half of
/// the frame. `pixels` u8 [3, H, W], H and W >= 1.
Gradient fit_sky(const uint8_t* pixels, int64_t height, int64_t width);

/// The gradient's colour in the middle of a row of a frame.
inline Rgb color_at(const Gradient& gradient, int64_t row, int64_t height) {
  return mix(gradient.top, gradient.bottom, (static_cast<double>(row) + 0.5) / static_cast<double>(height));
}

}  // namespace ditharos::data
