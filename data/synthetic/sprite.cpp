#include <ditharos/data/synthetic/sprite.h>

#include <algorithm>
#include <cmath>

namespace ditharos::data {
namespace {

constexpr int ground_below = 12;  // of 255: the noise of the scan around the garment is darker

/// 1 for pixels of the background, else 0, [H, W]: a flood fill from the border.
std::vector<uint8_t> find_ground(const uint8_t* gray, int64_t height, int64_t width) {
  std::vector<uint8_t> ground(static_cast<size_t>(height * width), 0);
  std::vector<int64_t> open;
  const auto visit = [&](int64_t y, int64_t x) {
    const int64_t i = y * width + x;
    if (y < 0 || y >= height || x < 0 || x >= width || ground[i] || gray[i] >= ground_below) return;
    ground[i] = 1;
    open.push_back(i);
  };
  for (int64_t x = 0; x < width; ++x) visit(0, x), visit(height - 1, x);
  for (int64_t y = 0; y < height; ++y) visit(y, 0), visit(y, width - 1);
  while (!open.empty()) {
    const int64_t y = open.back() / width, x = open.back() % width;
    open.pop_back();
    visit(y - 1, x), visit(y + 1, x), visit(y, x - 1), visit(y, x + 1);
  }
  return ground;
}

/// Opacity and unmixed brightness of one pixel of an object. A pixel on the outline is a mixture of the object with
/// black: the object's brightness is that of the brightest neighbour, and the quotient is the opacity.
struct Edge {
  double opacity, brightness;
};
Edge unmix(const uint8_t* gray, const std::vector<uint8_t>& ground, int64_t height, int64_t width, int64_t y,
           int64_t x) {
  const double own = gray[y * width + x];
  bool outline = false;
  double brightest = own;
  for (int64_t v = y - 1; v <= y + 1; ++v) {
    for (int64_t u = x - 1; u <= x + 1; ++u) {
      const bool outside = v < 0 || v >= height || u < 0 || u >= width;
      outline = outline || (!outside && ground[v * width + u]);
      if (!outside) brightest = std::max(brightest, static_cast<double>(gray[v * width + u]));
    }
  }
  if (!outline) return {1, own};
  return {std::max(own / brightest, 0.25), brightest};
}

/// Rows [top, bottom) and columns [left, right).
struct PixelBox {
  int64_t top = 0, bottom = 0, left = 0, right = 0;
};
/// The smallest box around the visible pixels; an empty one when there are none.
template <class Seen>
PixelBox box_of(int64_t height, int64_t width, const Seen& seen) {
  PixelBox box{height, 0, width, 0};
  for (int64_t y = 0; y < height; ++y) {
    for (int64_t x = 0; x < width; ++x) {
      if (!seen(y * width + x)) continue;
      box.top = std::min(box.top, y), box.bottom = std::max(box.bottom, y + 1);
      box.left = std::min(box.left, x), box.right = std::max(box.right, x + 1);
    }
  }
  return box.top < box.bottom ? box : PixelBox{};
}
Sprite transparent(const PixelBox& box) {
  Sprite sprite{box.bottom - box.top, box.right - box.left, {}};
  sprite.pixels.assign(static_cast<size_t>(sprite.height * sprite.width * 4), 0.0);
  return sprite;
}

/// The weights of the sprite's cells, from `first` on, in one pixel of the frame along an axis. They add up to at most
/// 1; the rest of the pixel lies outside of the sprite.
struct Cover {
  int64_t first = 0;
  std::vector<double> shares;
};
Cover cover(int64_t pixel, double begin, double length, int64_t cells) {
  const double scale = static_cast<double>(cells) / length;  // cells a pixel
  const double middle = (static_cast<double>(pixel) + 0.5 - begin) * scale;
  // The mean over at least one cell's width: for an enlarged sprite this is linear interpolation.
  const double reach = std::max(scale, 1.0);
  const double from = middle - reach / 2, to = middle + reach / 2;
  Cover result;
  result.first = std::clamp(static_cast<int64_t>(std::floor(from)), int64_t{0}, cells);
  const int64_t end = std::min(cells, static_cast<int64_t>(std::ceil(to)));
  for (int64_t k = result.first; k < end; ++k) {
    const auto left = static_cast<double>(k);
    result.shares.push_back(std::max(0.0, std::min(to, left + 1) - std::max(from, left)) / reach);
  }
  return result;
}

/// The pixels [first, last) of an axis that [begin, begin + length) affects, smoothing included.
struct PixelRange {
  int64_t first, last;
};
PixelRange pixels_of(double begin, double length, int64_t cells, int64_t size) {
  const double margin = std::max(1.0, length / static_cast<double>(cells)) / 2;
  return {std::clamp(static_cast<int64_t>(std::floor(begin - margin)), int64_t{0}, size),
          std::clamp(static_cast<int64_t>(std::ceil(begin + length + margin)), int64_t{0}, size)};
}

}  // namespace

Sprite cut_out(const uint8_t* gray, int64_t height, int64_t width, const Rgb& tint) {
  const std::vector<uint8_t> ground = find_ground(gray, height, width);
  const PixelBox box = box_of(height, width, [&](int64_t i) { return ground[i] == 0; });
  Sprite sprite = transparent(box);
  double brightest = 1;  // over all pixels, since the background is dark
  for (int64_t i = 0; i < height * width; ++i) brightest = std::max(brightest, static_cast<double>(gray[i]));
  for (int64_t y = box.top; y < box.bottom; ++y) {
    for (int64_t x = box.left; x < box.right; ++x) {
      if (ground[y * width + x]) continue;
      const Edge edge = unmix(gray, ground, height, width, y, x);
      const double shade = darkest_shade + (1 - darkest_shade) * edge.brightness / brightest;
      double* pixel = sprite.pixels.data() + ((y - box.top) * sprite.width + x - box.left) * 4;
      for (int c = 0; c < 3; ++c) pixel[c] = edge.opacity * shade * tint[c];
      pixel[3] = edge.opacity;
    }
  }
  return sprite;
}

Sprite from_planes(const uint8_t* planes, int64_t height, int64_t width) {
  const uint8_t* opacity = planes + 3 * height * width;
  const PixelBox box = box_of(height, width, [&](int64_t i) { return opacity[i] > 0; });
  Sprite sprite = transparent(box);
  for (int64_t y = 0; y < sprite.height; ++y) {
    for (int64_t x = 0; x < sprite.width; ++x) {
      const uint8_t* from = planes + (box.top + y) * width + box.left + x;
      double* pixel = sprite.pixels.data() + (y * sprite.width + x) * 4;
      for (int c = 0; c < 3; ++c) pixel[c] = from[c * height * width];
      pixel[3] = from[3 * height * width] / 255.0;
    }
  }
  return sprite;
}

void draw_sprite(Frame& frame, const Sprite& sprite, const Box& box) {
  if (sprite.pixels.empty() || box.width <= 0 || box.height <= 0) return;
  const auto [top, bottom] = pixels_of(box.top, box.height, sprite.height, frame.height);
  const auto [left, right] = pixels_of(box.left, box.width, sprite.width, frame.width);
  std::vector<Cover> columns;
  for (int64_t x = left; x < right; ++x) columns.push_back(cover(x, box.left, box.width, sprite.width));
  const int64_t plane = frame.height * frame.width;
  for (int64_t y = top; y < bottom; ++y) {
    const Cover row = cover(y, box.top, box.height, sprite.height);
    for (int64_t x = left; x < right; ++x) {
      const Cover& column = columns[static_cast<size_t>(x - left)];
      double sum[4] = {};
      for (size_t v = 0; v < row.shares.size(); ++v) {
        const double* cell =
            sprite.pixels.data() + ((row.first + static_cast<int64_t>(v)) * sprite.width + column.first) * 4;
        for (const double share : column.shares) {
          for (int c = 0; c < 4; ++c) sum[c] += row.shares[v] * share * *cell++;
        }
      }
      double* out = frame.planes.data() + y * frame.width + x;
      for (int c = 0; c < 3; ++c) out[c * plane] = out[c * plane] * (1 - sum[3]) + sum[c];
    }
  }
}

}  // namespace ditharos::data
