#include <ditharos/data/codecs/video/palette.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <set>

#include <ditharos/tensor/error.h>

namespace ditharos::data {
namespace {

constexpr size_t most_palette_colors = 256;

struct CountedColor {
  ColorBytes color{};
  int64_t count = 0;
};

/// The colours [first, last) of the sorted list, which become one colour of the palette.
struct ColorBox {
  size_t first = 0, last = 0;
  size_t channel = 0;  // the channel in which the box is widest
  double error = 0;    // sum of squared distances to the mean in that channel
};

ColorBytes color_at(const uint8_t* planes, int64_t n, int64_t i) {
  return {planes[i], planes[n + i], planes[2 * n + i]};
}

ColorBox measured_box(const std::vector<CountedColor>& colors, size_t first, size_t last) {
  ColorBox box{first, last};
  for (size_t channel = 0; channel < 3; ++channel) {
    double count = 0, sum = 0, squares = 0;
    for (size_t i = first; i < last; ++i) {
      const double value = colors[i].color[channel], weight = static_cast<double>(colors[i].count);
      count += weight;
      sum += weight * value;
      squares += weight * value * value;
    }
    const double error = squares - sum * sum / count;
    if (error > box.error) {
      box.channel = channel;
      box.error = error;
    }
  }
  return box;
}

ColorBytes mean_color(const std::vector<CountedColor>& colors, const ColorBox& box) {
  std::array<int64_t, 3> sums{};
  int64_t count = 0;
  for (size_t i = box.first; i < box.last; ++i) {
    count += colors[i].count;
    for (size_t channel = 0; channel < 3; ++channel) sums[channel] += colors[i].count * colors[i].color[channel];
  }
  ColorBytes mean{};
  for (size_t channel = 0; channel < 3; ++channel) {
    mean[channel] = static_cast<uint8_t>((sums[channel] + count / 2) / count);
  }
  return mean;
}

/// Cuts the box with the largest error at its median until there are enough (P. Heckbert, "Color image quantization for
/// frame buffer display", SIGGRAPH 1982; largest error instead of most pixels, so that rare colours are not lost).
std::vector<ColorBytes> median_cut(std::vector<CountedColor>& colors) {
  std::vector<ColorBox> boxes{measured_box(colors, 0, colors.size())};
  while (boxes.size() < most_palette_colors) {
    const auto widest = std::max_element(boxes.begin(), boxes.end(),
                                         [](const ColorBox& a, const ColorBox& b) { return a.error < b.error; });
    const ColorBox box = *widest;
    const auto begin = colors.begin() + static_cast<int64_t>(box.first);
    const auto end = colors.begin() + static_cast<int64_t>(box.last);
    std::sort(begin, end, [&](const CountedColor& a, const CountedColor& b) {
      return std::pair(a.color[box.channel], a.color) < std::pair(b.color[box.channel], b.color);
    });
    int64_t total = 0, seen = 0;
    for (auto it = begin; it != end; ++it) total += it->count;
    size_t cut = box.first;
    while (cut + 1 < box.last && (cut == box.first || 2 * seen < total)) seen += colors[cut++].count;
    *widest = measured_box(colors, box.first, cut);
    boxes.push_back(measured_box(colors, cut, box.last));
  }
  std::vector<ColorBytes> palette;
  for (const ColorBox& box : boxes) palette.push_back(mean_color(colors, box));
  return palette;
}

/// Two colours of the palette, and how many of 64 pixels show the second one.
struct Mixture {
  uint8_t first = 0, second = 0;
  int share = 0;
};

/// The nearest colour of the palette and the one whose mixture with it is closest.
Mixture best_mixture(const ColorBytes& color, const std::vector<ColorBytes>& palette) {
  const auto squared_distance = [](const ColorBytes& a, const ColorBytes& b) {
    int sum = 0;
    for (size_t c = 0; c < 3; ++c) sum += (a[c] - b[c]) * (a[c] - b[c]);
    return sum;
  };
  Mixture mixture;
  int nearest = std::numeric_limits<int>::max();
  for (size_t i = 0; i < palette.size(); ++i) {
    const int distance = squared_distance(color, palette[i]);
    if (distance >= nearest) continue;
    nearest = distance;
    mixture.first = mixture.second = static_cast<uint8_t>(i);
  }
  const ColorBytes& base = palette[mixture.first];
  double least = nearest;
  for (size_t i = 0; i < palette.size(); ++i) {
    const int length = squared_distance(base, palette[i]);
    int along = 0;
    for (size_t c = 0; c < 3; ++c) along += (color[c] - base[c]) * (palette[i][c] - base[c]);
    if (along <= 0 || length == 0) continue;
    const double share = std::min(0.5, static_cast<double>(along) / length);
    // The remaining error, plus a penalty for the contrast of the pattern: dots of very different colours are visible.
    const double left = nearest - 2 * share * along + share * share * length;
    const double cost = left + 0.1 * share * (1 - share) * length;
    if (cost >= least) continue;
    least = cost;
    mixture.second = static_cast<uint8_t>(i);
    mixture.share = static_cast<int>(std::lround(share * 64));
  }
  return mixture;
}

/// Bayer's ordered pattern, 8 x 8: each of 0..63 once, neighbours far apart.
int pattern_at(int64_t y, int64_t x) {
  int value = 0;
  for (int bit = 0; bit < 3; ++bit) {
    const auto row = static_cast<int>(y >> bit & 1), column = static_cast<int>(x >> bit & 1);
    value = value << 2 | (row ^ column) << 1 | row;
  }
  return value;
}

std::vector<CountedColor> count_colors(const uint8_t* planes, int64_t n) {
  std::vector<ColorBytes> all(static_cast<size_t>(n));
  for (int64_t i = 0; i < n; ++i) all[static_cast<size_t>(i)] = color_at(planes, n, i);
  std::sort(all.begin(), all.end());
  std::vector<CountedColor> colors;
  for (const ColorBytes& color : all) {
    if (colors.empty() || colors.back().color != color) colors.push_back({color, 0});
    ++colors.back().count;
  }
  return colors;
}

}  // namespace

std::vector<ColorBytes> distinct_colors(const uint8_t* planes, int64_t n, size_t most) {
  std::set<ColorBytes> colors;
  for (int64_t i = 0; i < n && colors.size() <= most; ++i) colors.insert(color_at(planes, n, i));
  return {colors.begin(), colors.end()};
}

std::vector<uint8_t> exact_indices(const uint8_t* planes, int64_t n, const std::vector<ColorBytes>& palette) {
  std::vector<uint8_t> indices(static_cast<size_t>(n));
  for (int64_t i = 0; i < n; ++i) {
    const auto found = std::lower_bound(palette.begin(), palette.end(), color_at(planes, n, i));
    indices[static_cast<size_t>(i)] = static_cast<uint8_t>(found - palette.begin());
  }
  return indices;
}

IndexedImage to_palette(const uint8_t* planes, int64_t height, int64_t width, int64_t top, int64_t left) {
  const int64_t n = height * width;
  std::vector<ColorBytes> exact = distinct_colors(planes, n, most_palette_colors);
  if (exact.size() <= most_palette_colors) {
    std::vector<uint8_t> indices = exact_indices(planes, n, exact);
    return {std::move(exact), std::move(indices)};
  }
  std::vector<CountedColor> colors = count_colors(planes, n);
  IndexedImage image{median_cut(colors), std::vector<uint8_t>(static_cast<size_t>(n))};
  std::map<ColorBytes, Mixture> mixtures;
  for (int64_t i = 0; i < n; ++i) {
    const ColorBytes color = color_at(planes, n, i);
    const auto [entry, is_new] = mixtures.try_emplace(color);
    if (is_new) entry->second = best_mixture(color, image.palette);
    const Mixture& mixture = entry->second;
    const bool second = pattern_at(top + i / width, left + i % width) < mixture.share;
    image.indices[static_cast<size_t>(i)] = second ? mixture.second : mixture.first;
  }
  return image;
}

}  // namespace ditharos::data
