#pragma once
// The settings of a program's clips: their source and their shapes.
#include <cstdint>
#include <string>
#include <vector>

#include <ditharos/data/loading/clip_buckets.h>
#include "examples/cli/settings.h"

namespace ditharos::examples {

/// [data]: the source of clips and the shapes of batches.
struct ClipSettings {
  std::string data = "moving-garments";
  std::string shapes = "8x32x32";  ///< frames x height x width, comma separated
  std::vector<double> shape_weights;
};
/// `others`: what else `data` may be, at the end of its help.
void describe_clips(Settings& settings, ClipSettings& clips, const std::string& others = "");

/// data::clip_buckets of these settings.
std::vector<data::Bucket> clip_buckets(const ClipSettings& clips, int64_t batch_size);

/// The shape of --frames and --size. 0 and "" select the trained shape nearest to the program's `usual` shape.
/// ConfigError for a size that cannot be parsed.
data::SampleShape wanted_shape(const std::vector<data::SampleShape>& trained, const data::SampleShape& usual,
                               int64_t frames, const std::string& size);
/// Prints a note on stderr when a model was not trained on clips of this shape.
void warn_of_untrained(const std::vector<data::SampleShape>& trained, const data::SampleShape& shape);

}  // namespace ditharos::examples
