#include <ditharos/data/synthetic/object_mask.h>

#include <algorithm>
#include <cmath>

#include <ditharos/data/synthetic/sky_fit.h>

namespace ditharos::data {
namespace {

constexpr double clear_difference = 30;  // in RGB space, from 0 to 442
constexpr int64_t smallest_object = 6;   // pixels

Rgb pixel_at(const uint8_t* pixels, int64_t plane, int64_t i) {
  return {double(pixels[i]), double(pixels[plane + i]), double(pixels[2 * plane + i])};
}
double dot(const Rgb& a, const Rgb& b) { return a[0] * b[0] + a[1] * b[1] + a[2] * b[2]; }

/// 1 where a pixel differs from the sky, [H, W].
std::vector<uint8_t> differing(const uint8_t* pixels, int64_t height, int64_t width, const Gradient& sky) {
  const int64_t plane = height * width;
  std::vector<uint8_t> differs(static_cast<size_t>(plane));
  for (int64_t y = 0; y < height; ++y) {
    const Rgb ground = color_at(sky, y, height);
    for (int64_t x = 0; x < width; ++x) {
      const Rgb pixel = pixel_at(pixels, plane, y * width + x);
      differs[y * width + x] = squared_distance(pixel, ground) > clear_difference * clear_difference;
    }
  }
  return differs;
}

/// The region that is reachable from pixel `first` through pixels that `passes` by steps of at most `reach` rows and
/// columns. Marks its pixels in `seen`.
template <class Passes>
std::vector<int64_t> flood(int64_t first, int64_t height, int64_t width, int64_t reach, std::vector<uint8_t>& seen,
                           const Passes& passes) {
  std::vector<int64_t> reached{first};
  seen[first] = 1;
  for (size_t next = 0; next < reached.size(); ++next) {
    const int64_t y = reached[next] / width, x = reached[next] % width;
    for (int64_t v = std::max<int64_t>(0, y - reach); v <= std::min(height - 1, y + reach); ++v) {
      for (int64_t u = std::max<int64_t>(0, x - reach); u <= std::min(width - 1, x + reach); ++u) {
        const int64_t i = v * width + u;
        if (seen[i] || !passes(i)) continue;
        seen[i] = 1;
        reached.push_back(i);
      }
    }
  }
  return reached;
}

ObjectMask mask_of(const std::vector<int64_t>& members, int64_t height, int64_t width) {
  ObjectMask mask;
  mask.inside.assign(static_cast<size_t>(height * width), 0);
  mask.area = static_cast<int64_t>(members.size());
  mask.top = height, mask.left = width;
  for (const int64_t i : members) {
    mask.inside[i] = 1;
    mask.top = std::min(mask.top, i / width), mask.bottom = std::max(mask.bottom, i / width + 1);
    mask.left = std::min(mask.left, i % width), mask.right = std::max(mask.right, i % width + 1);
  }
  return mask;
}

/// Fills holes: adds pixels from which the frame's border cannot be reached around the object.
void fill_holes(ObjectMask& mask, int64_t height, int64_t width) {
  std::vector<uint8_t> outside(mask.inside.size(), 0);
  for (int64_t i = 0; i < height * width; ++i) {
    const int64_t y = i / width, x = i % width;
    const bool border = y == 0 || y == height - 1 || x == 0 || x == width - 1;
    if (border && !mask.inside[i] && !outside[i]) {
      flood(i, height, width, 1, outside, [&](int64_t k) { return !mask.inside[k]; });
    }
  }
  mask.area = 0;
  for (size_t i = 0; i < mask.inside.size(); ++i) {
    mask.inside[i] = !outside[i];
    mask.area += mask.inside[i];
  }
}

/// The object's colour at its brightest shade: the direction of the mean colour, with the 95th percentile of the
/// length.
Rgb brightest_color(const ObjectMask& object, const uint8_t* pixels, int64_t plane) {
  Rgb sum{};
  for (int64_t i = 0; i < plane; ++i) {
    const Rgb pixel = pixel_at(pixels, plane, i);
    for (int c = 0; c < 3 && object.inside[i]; ++c) sum[c] += pixel[c];
  }
  const double length = std::max(std::sqrt(dot(sum, sum)), 1e-9);
  for (double& c : sum) c /= length;
  std::vector<double> lengths;
  for (int64_t i = 0; i < plane; ++i) {
    if (object.inside[i]) lengths.push_back(dot(pixel_at(pixels, plane, i), sum));
  }
  const auto at = lengths.begin() + static_cast<std::ptrdiff_t>(lengths.size() * 19 / 20);
  std::nth_element(lengths.begin(), at, lengths.end());
  for (double& c : sum) c *= std::max(*at, 1.0);
  return sum;
}

/// The brightness, 0..1, of the object in a pixel, times the part of the pixel that it covers. Solves
/// pixel = a object + b sky by least squares; b is regularised towards 0 where the two colours are too similar.
double brightness(const Rgb& pixel, const Rgb& object, const Rgb& sky) {
  constexpr double pull = 3000;
  const double tt = dot(object, object), ts = dot(object, sky), ss = dot(sky, sky) + pull;
  const double tp = dot(object, pixel), sp = dot(sky, pixel);
  const double determinant = tt * ss - ts * ts;
  const double b = std::clamp((tt * sp - ts * tp) / determinant, 0.0, 1.0);
  const double a = (tp - b * ts) / tt, cover = 1 - b;
  return std::clamp((a - darkest_shade * cover) / (1 - darkest_shade), 0.0, 1.0);
}

}  // namespace

ObjectMask find_object(const uint8_t* pixels, int64_t height, int64_t width, const Gradient& sky) {
  const std::vector<uint8_t> differs = differing(pixels, height, width, sky);
  std::vector<uint8_t> seen(differs.size(), 0);
  ObjectMask best;
  for (int64_t i = 0; i < height * width; ++i) {
    if (!differs[i] || seen[i]) continue;
    const auto members = flood(i, height, width, 2, seen, [&](int64_t k) { return differs[k] != 0; });
    if (static_cast<int64_t>(members.size()) < smallest_object) continue;
    ObjectMask mask = mask_of(members, height, width);
    if (mask.longer_side() > best.longer_side()) best = std::move(mask);
  }
  if (best.area > 0) fill_holes(best, height, width);
  return best;
}

void draw_object(uint8_t* out, int64_t side, const ObjectMask& object, const uint8_t* pixels, int64_t height,
                 int64_t width, const Gradient& sky) {
  const int64_t plane = height * width;
  const Rgb own = brightest_color(object, pixels, plane);
  Sprite sprite;
  sprite.height = object.bottom - object.top;
  sprite.width = object.right - object.left;
  for (int64_t y = object.top; y < object.bottom; ++y) {
    for (int64_t x = object.left; x < object.right; ++x) {
      const int64_t i = y * width + x;
      const double gray =
          object.inside[i] ? 255 * brightness(pixel_at(pixels, plane, i), own, color_at(sky, y, height)) : 0;
      sprite.pixels.insert(sprite.pixels.end(), {gray, gray, gray, 1.0});
    }
  }
  const double scale = static_cast<double>(side) / static_cast<double>(object.longer_side());
  const double drawn_width = scale * static_cast<double>(sprite.width);
  const double drawn_height = scale * static_cast<double>(sprite.height);
  Frame frame(side, side);
  draw_sprite(frame, sprite,
              {(static_cast<double>(side) - drawn_width) / 2, (static_cast<double>(side) - drawn_height) / 2,
               drawn_width, drawn_height});
  for (int64_t i = 0; i < side * side; ++i) out[i] = static_cast<uint8_t>(std::lround(frame.planes[i]));
}

}  // namespace ditharos::data
