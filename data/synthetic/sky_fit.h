#pragma once
// Internal to data/synthetic/.
// Estimates the sky behind an object from a frame's pixels.
#include <cstdint>

#include <ditharos/data/synthetic/sky.h>

namespace ditharos::data {

/// The vertical gradient that fits most pixels of a frame: the estimate with the largest consensus of nine, refined by
/// least squares with weights that fall with the distance (Geman and McClure 1987). An object may cover half of the
/// frame. `pixels` u8 [3, H, W], H and W >= 1.
Gradient fit_sky(const uint8_t* pixels, int64_t height, int64_t width);

/// The gradient's colour in the middle of a row of a frame.
inline Rgb color_at(const Gradient& gradient, int64_t row, int64_t height) {
  return mix(gradient.top, gradient.bottom, (static_cast<double>(row) + 0.5) / static_cast<double>(height));
}

}  // namespace ditharos::data
