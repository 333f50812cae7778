#pragma once
// The settings that say which clips a program works on, and in which shapes.
#include <cstdint>
#include <string>
#include <vector>

#include <ditharos/data/loading/clip_buckets.h>
#include "examples/cli/settings.h"

namespace ditharos::examples {

/// [data]: where clips come from and the shapes that batches are drawn in.
struct ClipSettings {
  std::string data = "moving-garments";
  std::string shapes = "8x32x32";  ///< frames x height x width, comma separated
  std::vector<double> shape_weights;
};
void describe_clips(Settings& settings, ClipSettings& clips);

/// data::clip_buckets of these settings.
std::vector<data::Bucket> clip_buckets(const ClipSettings& clips, int64_t batch_size);

/// --frames and --size of a program: what was given, and for 0 and "" what is nearest to the program's `usual` shape
/// among those that a model was trained on. ConfigError when the size is none.
data::SampleShape wanted_shape(const std::vector<data::SampleShape>& trained, const data::SampleShape& usual,
                               int64_t frames, const std::string& size);
/// Says on stderr, in one sentence, when a model was not trained on clips of this shape.
void warn_of_untrained(const std::vector<data::SampleShape>& trained, const data::SampleShape& shape);

}  // namespace ditharos::examples
