#include <ditharos/data/synthetic/clip_measure.h>

#include <algorithm>
#include <cmath>

#include <ditharos/data/synthetic/object_mask.h>
#include <ditharos/data/synthetic/sky_fit.h>
#include <ditharos/tensor/kernels/copy/copy.h>

namespace ditharos::data {
namespace {

constexpr int64_t crop_side = 28;

double median(std::vector<double> values) {
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

/// Change of `value` per frame: the median over all pairs of sightings (Theil 1950, Sen 1968), which is robust against
/// wrong sightings.
template <class Value>
double slope(const std::vector<Sighting>& sightings, const Value& value) {
  std::vector<double> slopes;
  for (size_t b = 1; b < sightings.size(); ++b) {
    for (size_t a = 0; a < b; ++a) {
      slopes.push_back((value(sightings[b]) - value(sightings[a])) /
                       static_cast<double>(sightings[b].frame - sightings[a].frame));
    }
  }
  return median(std::move(slopes));
}

/// The largest value minus the smallest.
template <class Value>
double range(const std::vector<Sighting>& sightings, const Value& value) {
  double low = value(sightings[0]), high = low;
  for (const Sighting& s : sightings) low = std::min(low, value(s)), high = std::max(high, value(s));
  return high - low;
}

Sighting sighting_of(const ObjectMask& object, int64_t frame, int64_t width) {
  Sighting s{.frame = frame, .size = std::sqrt(static_cast<double>(object.area))};
  for (int64_t i = 0; i < static_cast<int64_t>(object.inside.size()); ++i) {
    if (!object.inside[i]) continue;
    const int64_t column = i % width, row = i / width;
    s.x += static_cast<double>(column) + 0.5;
    s.y += static_cast<double>(row) + 0.5;
  }
  s.x /= static_cast<double>(object.area);
  s.y /= static_cast<double>(object.area);
  return s;
}

Gradient mean(const std::vector<Gradient>& gradients) {
  Gradient sum;
  for (const Gradient& gradient : gradients) {
    for (int c = 0; c < 3; ++c) {
      sum.top[c] += gradient.top[c] / static_cast<double>(gradients.size());
      sum.bottom[c] += gradient.bottom[c] / static_cast<double>(gradients.size());
    }
  }
  return sum;
}

/// The motion that explains the most pixels of change.
std::optional<Motion> verdict(const ClipMeasurement& m, int64_t height, int64_t width) {
  constexpr double least = 0.04;  // of the frame's shorter side
  const double still = least * static_cast<double>(std::min(height, width));
  const double way = std::max(std::abs(m.dx), std::abs(m.dy));
  const auto size = [](const Sighting& s) { return s.size; };
  const auto y = [](const Sighting& s) { return s.y; };
  double mean_size = 0;
  for (const Sighting& s : m.sightings) mean_size += size(s) / static_cast<double>(m.sightings.size());
  const double growth = std::abs(m.log_growth) * mean_size;
  if (growth > way && growth > still && std::abs(m.log_growth) > 0.2) {
    return m.log_growth > 0 ? Motion::grow : Motion::shrink;
  }
  if (range(m.sightings, y) > 2 * way && range(m.sightings, y) > 3 * still) return Motion::bounce;
  if (way < still) return std::nullopt;
  if (std::abs(m.dx) > std::abs(m.dy)) return m.dx < 0 ? Motion::left : Motion::right;
  return m.dy < 0 ? Motion::up : Motion::down;
}

}  // namespace

ClipMeasurement measure_clip(const Tensor& clip) {
  check<DTypeError>(clip.dtype() == DType::u8, "[measure_clip] takes u8 frames, got ", clip.dtype());
  check<ShapeError>(clip.rank() == 4 && clip.size(1) == 3 && clip.numel() > 0,
                    "[measure_clip] takes frames [F, 3, H, W], got ", clip.shape());
  const Tensor frames = kernels::contiguous(clip);
  const int64_t count = frames.size(0), height = frames.size(2), width = frames.size(3);
  ClipMeasurement m;
  std::vector<uint8_t> crops;
  for (int64_t f = 0; f < count; ++f) {
    const uint8_t* pixels = frames.data<uint8_t>() + f * 3 * height * width;
    const Gradient sky = fit_sky(pixels, height, width);
    m.skies.push_back(sky);
    const ObjectMask object = find_object(pixels, height, width, sky);
    if (object.area == 0) continue;
    m.sightings.push_back(sighting_of(object, f, width));
    crops.resize(crops.size() + crop_side * crop_side);
    draw_object(crops.data() + crops.size() - crop_side * crop_side, crop_side, object, pixels, height, width, sky);
  }
  m.sky = nearest_sky(mean(m.skies));
  const auto seen = static_cast<int64_t>(m.sightings.size());
  m.crops = Tensor({seen, 1, crop_side, crop_side}, DType::u8);
  std::copy(crops.begin(), crops.end(), m.crops.mutable_data<uint8_t>());
  if (seen < 2 || 2 * seen < count) return m;
  const auto whole = static_cast<double>(count - 1);
  m.dx = whole * slope(m.sightings, [](const Sighting& s) { return s.x; });
  m.dy = whole * slope(m.sightings, [](const Sighting& s) { return s.y; });
  m.log_growth = whole * slope(m.sightings, [](const Sighting& s) { return std::log(s.size); });
  m.motion = verdict(m, height, width);
  return m;
}

}  // namespace ditharos::data
