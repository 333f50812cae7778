#include "examples/cli/options/clip_options.h"

#include <algorithm>
#include <filesystem>

#include <ditharos/autograd/ops.h>
#include <ditharos/data/codecs/video/video_file.h>
#include <ditharos/data/datasets/dataset.h>
#include <ditharos/data/image/resize.h>
#include <ditharos/models/samplers/video_sampling.h>
#include <ditharos/pipelines/clip_shapes.h>
#include <ditharos/training/run/output_files.h>
#include "examples/cli/inputs.h"
#include "examples/cli/options/clip_settings.h"
#include "examples/cli/options/precision.h"
#include "examples/cli/options/sampler_settings.h"
#include "examples/cli/options/training_settings.h"
#include "examples/cli/outputs.h"

namespace ditharos::examples {
namespace {

/// The middle of each frame u8 [F, 3, H, W], scaled; f32 [F, 3, height, width] in [-1, 1].
Tensor fit_frames(const Tensor& frames, int64_t height, int64_t width) {
  std::vector<Tensor> fitting;
  for (int64_t f = 0; f < frames.size(0); ++f)
    fitting.push_back(data::to_unit_range(data::center_crop_resize(contiguous(select(frames, 0, f)), height, width)));
  return stack(fitting, 0);
}
Tensor read_frames(const std::string& path, int64_t height, int64_t width, int64_t max_pixels) {
  return fit_frames(data::read_clip(path, max_pixels).frames, height, width);
}

void check_one_task(const ClipOptions& o) {
  const bool ends = !o.first.empty() || !o.last.empty();
  const int tasks =
      int(ends) + int(!o.interpolate.empty()) + int(!o.extend.empty()) + int(!o.from.empty()) + int(o.loop);
  check<ConfigError>(tasks <= 1,
                     "--interpolate, --extend, --from, --loop and --first or --last are tasks of their "
                     "own: choose one");
  check<ConfigError>(o.extend.empty() || o.extend[0] == "forwards" || o.extend[0] == "backwards",
                     "--extend goes \"forwards\" or \"backwards\", not \"", o.extend.empty() ? "" : o.extend[0], "\"");
}

pipelines::ClipRequest new_clip(const ClipOptions& o, const data::SampleShape& shape) {
  const auto read = [&](const std::string& path) { return read_frames(path, shape.height, shape.width, o.max_pixels); };
  const auto first_of = [](const Tensor& clip) { return slice(clip, 0, 0, 1); };
  const auto last_of = [](const Tensor& clip) { return slice(clip, 0, clip.size(0) - 1, clip.size(0)); };
  pipelines::ClipRequest request{.shape = shape, .seed = o.seed};
  if (o.loop) request.task = pipelines::ClipTask::loop;
  if (!o.first.empty()) request.first = first_of(read(o.first));
  if (!o.last.empty()) request.last = last_of(read(o.last));
  if (!o.interpolate.empty()) {
    request.first = last_of(read(o.interpolate[0]));
    request.last = first_of(read(o.interpolate[1]));
  }
  if (!o.extend.empty()) {
    request.task =
        o.extend[0] == "forwards" ? pipelines::ClipTask::extend_forwards : pipelines::ClipTask::extend_backwards;
    request.clip = read(o.extend[1]);
  }
  const int64_t ends = int64_t(request.first.defined()) + int64_t(request.last.defined());
  check<ConfigError>(ends < shape.frames, "--frames ", shape.frames, " leaves no frame to generate beside the ", ends,
                     " conditioning frames");
  return request;
}

/// --from: the clip gives the length, and selects one of the model's sizes, unless the command line does. Files may be
/// larger than the model's clips, as --scale enlarges them.
pipelines::ClipRequest redrawn_clip(const ClipOptions& o, const pipelines::VideoPipeline& pipeline) {
  const Tensor original = data::read_clip(o.from, o.max_pixels).frames;
  const int64_t unit = pipeline.model().clip_multiple().frames;
  const int64_t frames = o.frames > 0 ? o.frames : std::max(unit, original.size(0) / unit * unit);
  const data::FrameSize size =
      o.size.empty() ? pipelines::size_for(pipeline.config().clips.shapes, original.size(2), original.size(3))
                     : data::parse_frame_size(o.size, "--size");
  const data::SampleShape shape{frames, size.height, size.width};
  check<ConfigError>(shape.frames <= original.size(0), "--frames ", shape.frames, ": \"", o.from, "\" has only ",
                     original.size(0));
  pipelines::check_clip_shape(pipeline.model(), shape, "--from");
  return {.shape = shape,
          .seed = o.seed,
          .task = pipelines::ClipTask::redraw,
          .clip = slice(fit_frames(original, shape.height, shape.width), 0, 0, shape.frames),
          .strength = o.strength};
}

/// "clip.webp" of several clips: "clip-1.webp", "clip-2.webp", ...
std::string numbered(const std::string& path, size_t i, size_t count) {
  if (count == 1) return path;
  const std::filesystem::path p(path);
  return (p.parent_path() / (p.stem().string() + "-" + std::to_string(i + 1) + p.extension().string())).string();
}

void check_files(const ClipOptions& o, const Settings& settings) {
  check_png_name("--grid", o.grid);
  check_png_name("--strip", o.strip);
  std::vector<NamedOutput> outputs{{"--grid", o.grid}, {"--strip", o.strip}};
  const std::vector<std::string> clips = clip_files(o);
  for (const std::string& path : clips)
    outputs.push_back({"--out", path, !std::filesystem::path(path).has_extension()});
  std::vector<NamedInput> inputs{{"--checkpoint", o.checkpoint, true},
                                 {"--config", settings.config_path()},
                                 {"--first", o.first},
                                 {"--last", o.last},
                                 {"--from", o.from}};
  for (const std::string& path : o.interpolate) inputs.push_back({"--interpolate", path});
  if (!o.extend.empty()) inputs.push_back({"--extend", o.extend[1]});
  check_outputs(outputs, inputs);
  for (const std::string& path : clips) data::check_clip_output(path);
  training::check_output_file(o.grid);
  training::check_output_file(o.strip);
  check_inputs(inputs);
}

}  // namespace

void describe(Settings& settings, ClipOptions& options) {
  settings.add_arguments(options.prompts, "PROMPT...", "what the clip shows, in words; one clip per prompt");
  settings.options()
      .add("checkpoint", options.checkpoint, "a run folder, a checkpoint or an export")
      .add("out", options.out,
           "the file to write: .webp, .gif, .png (a strip), .y4m, .mp4 (needs ffmpeg), or a folder "
           "of PNGs; of several clips each gets a number")
      .add("frames", options.frames,
           "length of the clip; with --extend, of the model's clip, context included; 0: "
           "16, or the nearest that the model was trained on; with --from, the clip's",
           between(0, double(data::max_clip_frames)))
      .add("size", options.size,
           "height x width in pixels; empty: 32x32, or the nearest that the model was trained "
           "on, with --from of these the one that fits the clip")
      .add("fps", options.fps, "frames per second", between(.01, 1000))
      .add("scale", options.scale, "size of a pixel in the file", between(1, 32))
      .add("seed", options.seed, "seed of the clips' noise")
      .add("steps", options.sampler.steps, "steps from noise to clip", at_least(1).at_most(1000))
      .add("cfg", options.sampler.guidance.scale,
           "classifier-free guidance, how closely to follow the prompt; 1: "
           "none",
           between(0, 1e6))
      .add_switch("heun", options.sampler.kind, models::SamplerKind::euler, models::SamplerKind::heun,
                  "Heun's method instead of Euler's: twice the work, more precise")
      .add("grid", options.grid, "also write the frames of all clips side by side to this PNG")
      .add("strip", options.strip, "also write the middle frame during sampling to this PNG")
      .add("first", options.first, "an image or clip whose first frame the clip begins with")
      .add("last", options.last, "an image or clip whose last frame the clip ends with")
      .add("loop", options.loop, "a clip whose end leads to its beginning")
      .add("from", options.from, "a clip to draw anew, scaled to the model's size")
      .add("strength", options.strength, "with --from: amount of noise to add", above(0).at_most(1))
      .add("list_words", options.list_words, "print the words that the model knows, one per line, and exit")
      .add("any_words", options.any_words, "take prompts with words that the model has never seen")
      .add("last_weights", options.last_weights, "of a checkpoint: the last weights instead of their moving average")
      .add("precision", options.precision, precision_help, precision_names)
      .add("threads", options.threads, "0: as many as there are cores. Results do not depend on it", between(0, 1024));
  describe_samplers(settings, "", options.sampler, models::samples_clips);
  describe_caching(settings, "", options.sampler);
  describe_max_pixels(settings, options.max_pixels);
  settings.add_texts("interpolate", options.interpolate, 2, "A B", "begin with image A and end with image B");
  settings.add_texts("extend", options.extend, 2, "DIRECTION CLIP",
                     "\"forwards\": append frames to the clip; \"backwards\": prepend frames");
  settings.only_with({"strength"}, [&options] { return !options.from.empty(); }, "--from");
  settings.only_with({"fps"}, [&options] { return !options.out.ends_with(".png"); }, "a file that moves, not a strip");
  settings.only_with(
      {"last_weights"}, [&options] { return !options.checkpoint.ends_with(".safetensors"); }, "a checkpoint");
}

void check_options(const ClipOptions& options, const Settings& settings) {
  check<ConfigError>(!options.prompts.empty(),
                     "no prompt: say what the clip should show, as in sample_video \"a red "
                     "sneaker drifts left\"");
  check_one_task(options);
  if (!options.size.empty()) static_cast<void>(data::parse_frame_size(options.size, "--size"));
  check_files(options, settings);
}

std::vector<std::string> clip_files(const ClipOptions& options) {
  std::vector<std::string> files;
  const size_t count = options.prompts.size();
  for (size_t i = 0; i < count; ++i) files.push_back(numbered(options.out, i, count));
  return files;
}

pipelines::ClipRequest make_request(const ClipOptions& options, const pipelines::VideoPipeline& pipeline) {
  const std::vector<data::SampleShape>& trained = pipeline.config().clips.shapes;
  const data::SampleShape asked = wanted_shape(trained, {16, 32, 32}, options.frames, options.size);
  if (options.from.empty()) pipelines::check_clip_shape(pipeline.model(), asked, "--frames, --size");
  pipelines::ClipRequest request = options.from.empty() ? new_clip(options, asked) : redrawn_clip(options, pipeline);
  warn_of_untrained(trained, request.shape);
  return request;
}

}  // namespace ditharos::examples
