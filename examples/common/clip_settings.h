#pragma once
// Which clips a program works on, and in which shapes.
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include <ditharos/data/codecs/pixel_limit.h>
#include <ditharos/data/loading/loader.h>
#include "examples/cli/settings.h"

namespace ditharos::examples {

/// [data]: where clips come from and the shapes that batches are drawn in.
struct ClipSettings {
  std::string data = "moving-garments";
  std::string shapes = "8x32x32";  ///< frames x height x width, comma separated
  std::vector<double> shape_weights;
};
void describe_clips(Settings& settings, ClipSettings& clips);

/// "8x32x48": frames, height, width. ConfigError that says what the text should look like; `what` names the setting.
data::SampleShape parse_clip_shape(const std::string& text, const std::string& what);
/// "32x48": height, width.
struct FrameSize {
  int64_t height, width;
};
FrameSize parse_frame_size(const std::string& text, const std::string& what);

/// The shapes with their weights, each with a batch that holds about as many pixels as `batch_size` clips of the first.
/// ConfigError when the settings do not fit together.
std::vector<data::Bucket> clip_buckets(const ClipSettings& clips, int64_t batch_size);

/// The shapes that a model with these settings was trained on, in their order: those with a weight above 0.
std::vector<data::SampleShape> trained_shapes(const ClipSettings& clips);
/// The one of `trained` (not empty) nearest to `wanted` by the ratios of frames, height and width, of those that have
/// what the user gave, if there are such ones. What was given is kept in any case.
struct WantedShape {
  data::SampleShape shape;
  bool frames_given = false, size_given = false;
};
data::SampleShape nearest_trained(const std::vector<data::SampleShape>& trained, const WantedShape& wanted);
/// The size among those of `trained` in which a clip of height x width should be shown to the model: the same one, or
/// the one with the nearest proportions, the first of equally near ones.
FrameSize size_for(const std::vector<data::SampleShape>& trained, int64_t height, int64_t width);
/// --frames and --size of a program: what was given, and for 0 and "" what is nearest to the program's `usual` shape
/// among those that a model with these settings was trained on. ConfigError when the size is none.
data::SampleShape wanted_shape(const ClipSettings& clips, const data::SampleShape& usual, int64_t frames,
                             const std::string& size);
/// Says on stderr, in one sentence, when a model with these settings was not trained on clips of this shape.
void warn_of_untrained(const ClipSettings& clips, const data::SampleShape& shape);

/// True for clips that the programs make themselves, of which evaluate_video knows what each caption asks for.
bool is_moving_garments(const std::string& data);

/// What a source of clips is used for.
enum class ClipUse { training, judging };
/// "moving-garments": garments over skies; those for judging are of test pictures in combinations of thing and motion
/// that training never shows. "moving-emoji": the same with emoji. Else a folder as data::VideoFolder takes it, whose
/// test part serves for judging; `max_pixels` of a video at most. ConfigError or IoError when there is no such thing.
std::shared_ptr<const data::DataSource> open_clips(const std::string& data, ClipUse use,
                                                   int64_t max_pixels = data::default_max_pixels);

/// Clips [first, first + count) of a source as one batch, f32 [B, F, 3, H, W] in [-1, 1], and what they show.
data::Batch clip_batch(const data::DataSource& source, const data::SampleShape& shape, int64_t first,
                       int64_t count);

}  // namespace ditharos::examples
