#pragma once
// Measures a clip from its pixels alone: the sky, the position of the largest object in each frame, its motion and its
// appearance. Generated clips are evaluated with it; synthetic clips are described by their scenes.
#include <cstdint>
#include <optional>
#include <vector>

#include <ditharos/data/synthetic/scene.h>

namespace ditharos::data {

/// The object in one frame: a connected region of pixels that differ from the fitted sky.
struct Sighting {
  int64_t frame = 0;
  double x = 0, y = 0;  ///< its centre, in pixels from the upper left corner
  double size = 0;      ///< square root of its area, in pixels
};

struct ClipMeasurement {
  std::vector<Gradient> skies;      ///< of each frame
  Sky sky = Sky::dawn;              ///< the sky whose colours are nearest to their mean
  std::vector<Sighting> sightings;  ///< of the frames in which an object was found, in order
  /// From the first to the last frame, along the straight line through the sightings: pixels, and the logarithm of the
  /// factor of its size.
  double dx = 0, dy = 0, log_growth = 0;
  /// The motion; none for an object that was found in fewer than half of the frames, or in only one, or that hardly
  /// moved.
  std::optional<Motion> motion;
  /// u8 [sightings, 1, 28, 28]: the object of each sighting in the form of Fashion-MNIST, gray on black, its longer
  /// side filling the image. The input of a classifier.
  Tensor crops;
};

/// Measures frames u8 [F, 3, H, W]; ShapeError or DTypeError for anything else, and unless every size is at least 1.
[[nodiscard]] ClipMeasurement measure_clip(const Tensor& frames);

}  // namespace ditharos::data
