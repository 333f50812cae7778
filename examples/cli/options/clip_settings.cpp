#include "examples/cli/options/clip_settings.h"

#include <algorithm>

#include <ditharos/pipelines/clip_shapes.h>
#include "examples/cli/program.h"

namespace ditharos::examples {

void describe_clips(Settings& settings, ClipSettings& clips, const std::string& others) {
  settings.section("data", "the training data")
      .add("data", clips.data,
           "\"moving-garments\", \"moving-emoji\", or a folder of videos with captions.txt or captions.jsonl" + others)
      .add("shapes", clips.shapes, "shapes of the batches, frames x height x width: \"8x32x32, 16x32x48\"")
      .add("shape_weights", clips.shape_weights, "relative frequency of each shape; empty: all equal",
           above(0).at_most(1e9));
}

std::vector<data::Bucket> clip_buckets(const ClipSettings& clips, int64_t batch_size) {
  return data::clip_buckets(clips.shapes, clips.shape_weights, batch_size);
}

data::SampleShape wanted_shape(const std::vector<data::SampleShape>& trained, const data::SampleShape& usual,
                               int64_t frames, const std::string& size) {
  pipelines::WantedShape wanted{.shape = usual, .frames_given = frames > 0, .size_given = !size.empty()};
  if (wanted.frames_given) wanted.shape.frames = frames;
  if (wanted.size_given) {
    const data::FrameSize given = data::parse_frame_size(size, "--size");
    wanted.shape.height = given.height, wanted.shape.width = given.width;
  }
  return pipelines::nearest_trained(trained, wanted);
}

void warn_of_untrained(const std::vector<data::SampleShape>& trained, const data::SampleShape& shape) {
  if (std::find(trained.begin(), trained.end(), shape) != trained.end()) return;
  std::string list;
  for (const data::SampleShape& s : trained) list += (list.empty() ? "" : ", ") + data::to_text(s);
  print_notes({"the model was not trained on clips of " + data::to_text(shape) +
               " (frames x height x width), so the quality may be lower; it was trained on " + list});
}

}  // namespace ditharos::examples
