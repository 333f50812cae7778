#include <ditharos/data/synthetic/sky_fit.h>

#include <algorithm>
#include <vector>

namespace ditharos::data {
namespace {

struct Pixels {
  const uint8_t* bytes;
  int64_t height, width;

  Rgb at(int64_t y, int64_t x) const {
    const uint8_t* pixel = bytes + y * width + x;
    const int64_t plane = height * width;
    return {double(pixel[0]), double(pixel[plane]), double(pixel[2 * plane])};
  }
  double height_of(int64_t y) const { return (static_cast<double>(y) + 0.5) / static_cast<double>(height); }
};

/// The mean colour of a small block of pixels and its height in the frame, 0..1.
struct Patch {
  double height = 0;
  Rgb color{};

  Patch(const Pixels& pixels, int64_t top, int64_t left, int64_t rows, int64_t columns) {
    const double share = 1 / static_cast<double>(rows * columns);
    for (int64_t y = top; y < top + rows; ++y) {
      for (int64_t x = left; x < left + columns; ++x) {
        const Rgb pixel = pixels.at(y, x);
        for (int c = 0; c < 3; ++c) color[c] += share * pixel[c];
        height += share * pixels.height_of(y);
      }
    }
  }
};

Gradient line_through(const Patch& upper, const Patch& lower) {
  const double span = lower.height - upper.height;
  if (span < 1e-9) return {upper.color, upper.color};
  const auto at = [&](double height) { return mix(upper.color, lower.color, (height - upper.height) / span); };
  return {at(0), at(1)};
}

/// A first estimate by consensus (RANSAC; Fischler and Bolles 1981): of the lines through one of the patches along the
/// upper edge and one along the lower edge, the one with most pixels near it.
Gradient most_agreed(const Pixels& pixels) {
  constexpr int64_t positions = 3;
  constexpr double near = 25;
  const int64_t stride = std::min(pixels.height, pixels.width) >= 16 ? 2 : 1;  // a quarter of the pixels is tested
  const int64_t rows = std::max<int64_t>(1, pixels.height / 12), columns = std::max<int64_t>(1, pixels.width / 12);
  std::vector<Patch> upper, lower;
  for (int64_t k = 0; k < positions; ++k) {
    const int64_t left = (pixels.width - columns) * k / (positions - 1);
    upper.emplace_back(pixels, 0, left, rows, columns);
    lower.emplace_back(pixels, pixels.height - rows, left, rows, columns);
  }
  Gradient best = line_through(upper[0], lower[0]);
  int64_t most = -1;
  for (const Patch& a : upper) {
    for (const Patch& b : lower) {
      const Gradient line = line_through(a, b);
      int64_t agreeing = 0;
      for (int64_t y = 0; y < pixels.height; y += stride) {
        const Rgb sky = color_at(line, y, pixels.height);
        for (int64_t x = 0; x < pixels.width; x += stride) {
          agreeing += squared_distance(pixels.at(y, x), sky) < near * near;
        }
      }
      if (agreeing > most) {
        most = agreeing;
        best = line;
      }
    }
  }
  return best;
}

/// Weighted sums over pixels for a straight line per channel: color = top + h (bottom - top), h the height 0..1.
struct LineSums {
  double weight = 0, h = 0, hh = 0;
  Rgb color{}, h_color{};

  void add(double w, double height, const Rgb& pixel) {
    weight += w;
    h += w * height;
    hh += w * height * height;
    for (int c = 0; c < 3; ++c) {
      color[c] += w * pixel[c];
      h_color[c] += w * height * pixel[c];
    }
  }
  Gradient solve() const {
    const double determinant = weight * hh - h * h;
    const bool flat = determinant < 1e-9 * weight * weight;  // a single row of pixels has no slope
    Gradient gradient;
    for (int c = 0; c < 3; ++c) {
      const double slope = flat ? 0 : (weight * h_color[c] - h * color[c]) / determinant;
      gradient.top[c] = (color[c] - slope * h) / weight;
      gradient.bottom[c] = gradient.top[c] + slope;
    }
    return gradient;
  }
};

/// The least-squares line with weights 1 / (1 + d^2 / scale^2)^2, d the distance from the previous line.
Gradient refined(const Gradient& before, const Pixels& pixels, double scale) {
  LineSums sums;
  for (int64_t y = 0; y < pixels.height; ++y) {
    const Rgb sky = color_at(before, y, pixels.height);
    for (int64_t x = 0; x < pixels.width; ++x) {
      const Rgb pixel = pixels.at(y, x);
      const double share = 1 / (1 + squared_distance(pixel, sky) / (scale * scale));
      sums.add(share * share, pixels.height_of(y), pixel);
    }
  }
  return sums.solve();
}

}  // namespace

Gradient fit_sky(const uint8_t* bytes, int64_t height, int64_t width) {
  const Pixels pixels{bytes, height, width};
  Gradient gradient = most_agreed(pixels);
  for (const double scale : {30.0, 20.0, 15.0, 15.0, 15.0}) gradient = refined(gradient, pixels, scale);
  return gradient;
}

}  // namespace ditharos::data
