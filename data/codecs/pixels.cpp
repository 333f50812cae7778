#include <ditharos/data/codecs/pixels.h>

#include <algorithm>
#include <cstddef>

namespace ditharos::data {

void rgba_over_white(const uint8_t* rgba, int64_t n, uint8_t* planes) {
  for (int64_t c = 0; c < 3; ++c) {
    for (int64_t i = 0; i < n; ++i) {
      planes[c * n + i] = static_cast<uint8_t>(over_white(rgba[4 * i + c], rgba[4 * i + 3]));
    }
  }
}

std::vector<uint8_t> interleave(const uint8_t* planes, int64_t channels, int64_t n) {
  std::vector<uint8_t> pixels(static_cast<size_t>(channels * n));
  for (int64_t c = 0; c < channels; ++c) {
    for (int64_t i = 0; i < n; ++i) pixels[static_cast<size_t>(i * channels + c)] = planes[c * n + i];
  }
  return pixels;
}

void separate(const uint8_t* pixels, int64_t channels, int64_t n, uint8_t* planes) {
  for (int64_t c = 0; c < channels; ++c) {
    for (int64_t i = 0; i < n; ++i) planes[c * n + i] = pixels[i * channels + c];
  }
}

PixelBox changed_part(const uint8_t* before, const uint8_t* after, int64_t height, int64_t width, int64_t align) {
  int64_t top = height, bottom = -1, left = width, right = -1;
  for (int64_t row = 0; row < 3 * height; ++row, before += width, after += width) {
    const auto first = std::mismatch(after, after + width, before).first - after;
    if (first == width) continue;
    int64_t last = width - 1;
    while (after[last] == before[last]) --last;
    top = std::min(top, row % height);
    bottom = std::max(bottom, row % height);
    left = std::min<int64_t>(left, first);
    right = std::max(right, last);
  }
  if (bottom < 0) return {0, 0, 1, 1};
  top -= top % align;
  left -= left % align;
  return {top, left, bottom - top + 1, right - left + 1};
}

std::vector<uint8_t> cut_out(const uint8_t* planes, int64_t height, int64_t width, const PixelBox& part) {
  std::vector<uint8_t> cut;
  cut.reserve(static_cast<size_t>(3 * part.height * part.width));
  for (int64_t c = 0; c < 3; ++c) {
    for (int64_t y = 0; y < part.height; ++y) {
      const uint8_t* row = planes + (c * height + part.top + y) * width + part.left;
      cut.insert(cut.end(), row, row + part.width);
    }
  }
  return cut;
}

}  // namespace ditharos::data
