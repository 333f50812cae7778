#pragma once
// What a clip shows, measured on its pixels alone: the sky, where the largest object is in each frame, how it moves,
// and what it looks like. Synthetic clips are described by their scene; generated ones are evaluated by this.
#include <cstdint>
#include <optional>
#include <vector>

#include <ditharos/data/synthetic/scene.h>

namespace ditharos::data {

/// The object in one frame; what differs from the fitted sky and hangs together.
struct Sighting {
  int64_t frame = 0;
  double x = 0, y = 0;  ///< its middle, in pixels from the upper left corner
  double size = 0;      ///< square root of its area, in pixels
};

struct ClipMeasurement {
  std::vector<Gradient> skies;      ///< of each frame
  Sky sky = Sky::dawn;              ///< the one whose colours are nearest to their mean
  std::vector<Sighting> sightings;  ///< of the frames in which an object was found, in order
  /// From the first to the last frame, along the straight line through the sightings: pixels, and the logarithm of the
  /// factor of its size.
  double dx = 0, dy = 0, log_growth = 0;
  /// The verdict; none for an object that was seen in fewer than half of the frames, or in one alone, or that hardly
  /// moved.
  std::optional<Motion> motion;
  /// u8 [sightings, 1, 28, 28]: the object of each sighting as Fashion-MNIST would show it, gray on black, its longer
  /// side filling the image. For a classifier.
  Tensor crops;
};

/// Measures frames u8 [F, 3, H, W]; ShapeError or DTypeError for anything else, and unless every size is at least 1.
[[nodiscard]] ClipMeasurement measure_clip(const Tensor& frames);

}  // namespace ditharos::data
