#include <ditharos/data/synthetic/sky.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include <ditharos/tensor/random.h>

namespace ditharos::data {
namespace {

struct Palette {
  const char* name;
  Gradient first, last;  // at hour 0 and at hour 1
  double clouds;         // brightness that the middle of a cloud adds; 0: none
  bool stars;
};
constexpr Palette palettes[sky_count] = {
    {"dawn", {{112, 104, 176}, {244, 168, 150}}, {{140, 140, 205}, {255, 200, 170}}, 10, false},
    {"day", {{58, 128, 214}, {140, 196, 240}}, {{72, 146, 228}, {162, 212, 248}}, 16, false},
    {"sunset", {{150, 52, 62}, {250, 146, 50}}, {{112, 36, 60}, {226, 104, 36}}, 8, false},
    {"dusk", {{66, 40, 112}, {160, 84, 158}}, {{46, 28, 90}, {120, 60, 132}}, 6, false},
    {"night", {{4, 8, 26}, {22, 34, 72}}, {{2, 4, 18}, {14, 24, 56}}, 0, true},
    {"storm", {{84, 90, 96}, {142, 148, 150}}, {{62, 68, 74}, {116, 122, 126}}, 14, false},
};
const Palette& palette_of(Sky sky) { return palettes[static_cast<int>(sky)]; }

/// A number in [0, 1) for each (seed, k).
double fraction(uint64_t seed, uint64_t k) { return static_cast<double>(philox(seed, k)[0]) * 0x1p-32; }

/// Three soft ellipses that drift sideways, modulo the width of the frame.
void paint_clouds(Frame& frame, const SkyView& view, double strength, double time) {
  const int64_t plane = frame.height * frame.width;
  const double drift = 0.25 * (fraction(view.seed, 0) - 0.5) * time;
  for (uint64_t cloud = 0; cloud < 3; ++cloud) {
    const double position = fraction(view.seed, 4 * cloud + 1) + drift;
    const double x0 = position - std::floor(position), y0 = 0.9 * fraction(view.seed, 4 * cloud + 2);
    const double wide = 0.15 + 0.15 * fraction(view.seed, 4 * cloud + 3), high = 0.08;
    for (int64_t y = 0; y < frame.height; ++y) {
      const double dy = ((static_cast<double>(y) + 0.5) / static_cast<double>(frame.height) - y0) / high;
      for (int64_t x = 0; x < frame.width; ++x) {
        double dx = (static_cast<double>(x) + 0.5) / static_cast<double>(frame.width) - x0;
        dx = (dx - std::round(dx)) / wide;  // the shorter distance, modulo the width
        const double bump = 1 / (1 + dx * dx + dy * dy);
        for (int c = 0; c < 3; ++c) frame.planes[c * plane + y * frame.width + x] += strength * bump * bump;
      }
    }
  }
}

/// One star for every eighty pixels, a pixel large and twinkling.
void paint_stars(Frame& frame, const SkyView& view, double time) {
  const int64_t plane = frame.height * frame.width;
  const auto stars = static_cast<uint64_t>(plane / 80);
  for (uint64_t star = 0; star < stars; ++star) {
    const auto x = static_cast<int64_t>(fraction(view.seed, 4 * star) * static_cast<double>(frame.width));
    const auto y = static_cast<int64_t>(fraction(view.seed, 4 * star + 1) * static_cast<double>(frame.height));
    const double phase = fraction(view.seed, 4 * star + 3) + time;
    const double twinkle = std::abs(2 * (phase - std::floor(phase)) - 1);  // 1, 0, 1 over a clip
    const double light = (40 + 80 * fraction(view.seed, 4 * star + 2)) * (0.6 + 0.4 * twinkle);
    for (int c = 0; c < 3; ++c) frame.planes[c * plane + y * frame.width + x] += light;
  }
}

}  // namespace

const char* name_of(Sky sky) { return palette_of(sky).name; }

Gradient gradient_of(Sky sky, double hour) {
  const Palette& palette = palette_of(sky);
  return {mix(palette.first.top, palette.last.top, hour), mix(palette.first.bottom, palette.last.bottom, hour)};
}

Sky nearest_sky(const Gradient& gradient) {
  Sky nearest = Sky::dawn;
  double least = std::numeric_limits<double>::infinity();
  for (int k = 0; k < sky_count; ++k) {
    for (const double hour : {0.0, 0.25, 0.5, 0.75, 1.0}) {
      const Gradient known = gradient_of(static_cast<Sky>(k), hour);
      const double distance =
          squared_distance(known.top, gradient.top) + squared_distance(known.bottom, gradient.bottom);
      if (distance < least) {
        least = distance;
        nearest = static_cast<Sky>(k);
      }
    }
  }
  return nearest;
}

void paint_sky(Frame& frame, const SkyView& view, double time) {
  const Gradient colors = gradient_of(view.sky, view.first_hour + time * (view.last_hour - view.first_hour));
  const int64_t plane = frame.height * frame.width;
  for (int64_t y = 0; y < frame.height; ++y) {
    const double height = (static_cast<double>(y) + 0.5) / static_cast<double>(frame.height);
    const Rgb color = mix(colors.top, colors.bottom, height);
    for (int c = 0; c < 3; ++c) {
      double* row = frame.planes.data() + c * plane + y * frame.width;
      std::fill(row, row + frame.width, color[c] + view.shift[c]);
    }
  }
  const Palette& palette = palette_of(view.sky);
  if (palette.clouds > 0) paint_clouds(frame, view, palette.clouds, time);
  if (palette.stars) paint_stars(frame, view, time);
}

}  // namespace ditharos::data
