#pragma once
// Small images without their background, drawn into frames at any position and size.
#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace ditharos::data {

/// Red, green and blue, 0..255 each.
using Rgb = std::array<double, 3>;
/// a + share (b - a), for each component.
[[nodiscard]] inline Rgb mix(const Rgb& a, const Rgb& b, double share) {
  return {a[0] + share * (b[0] - a[0]), a[1] + share * (b[1] - a[1]), a[2] + share * (b[2] - a[2])};
}
/// Squared distance of two colours.
[[nodiscard]] inline double squared_distance(const Rgb& a, const Rgb& b) {
  const double r = a[0] - b[0], g = a[1] - b[1], blue = a[2] - b[2];
  return r * r + g * g + blue * blue;
}

/// An image whose pixels may be transparent.
struct Sprite {
  int64_t height = 0, width = 0;
  std::vector<double> pixels;  ///< [H, W, 4]: red, green and blue times the opacity, 0..255, and the opacity, 0..1
};

/// A box in a frame, in pixels; pixel (0, 0) is the square from 0 to 1.
struct Box {
  double left = 0, top = 0, width = 0, height = 0;
};

/// A frame that is being drawn.
struct Frame {
  int64_t height = 0, width = 0;
  std::vector<double> planes;  ///< [3, H, W], 0..255

  Frame(int64_t height_, int64_t width_)
      : height(height_), width(width_), planes(static_cast<size_t>(3 * height_ * width_)) {}
};

/// The darkest inner part of a cut-out image keeps this share of its colour, so that it stands out from a night sky.
inline constexpr double darkest_shade = 0.3;

/// Cuts a bright object out of its black background: `gray` [H, W], u8. The background is the (nearly) black region
/// that is connected with the border; black parts inside stay opaque. The transparency of pixels on the outline is
/// proportional to their darkness relative to their neighbours. Shades of gray become shades of `tint`, the brightest
/// one `tint` itself. The result is cropped to the visible pixels; it is empty when there are none.
[[nodiscard]] Sprite cut_out(const uint8_t* gray, int64_t height, int64_t width, const Rgb& tint);

/// From an image with premultiplied alpha: u8 [4, H, W], red, green and blue times the opacity, and the opacity.
/// Cropped likewise.
[[nodiscard]] Sprite from_planes(const uint8_t* planes, int64_t height, int64_t width);

/// Draws the sprite scaled to `box`, blended with the frame. Each pixel is the mean of the area that it covers when the
/// sprite is reduced, and bilinear when it is enlarged. The box may have fractional coordinates.
void draw_sprite(Frame& frame, const Sprite& sprite, const Box& box);

}  // namespace ditharos::data
