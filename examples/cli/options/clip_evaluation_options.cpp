#include "examples/cli/options/clip_evaluation_options.h"

#include <ditharos/data/codecs/video/video_file.h>
#include <ditharos/data/datasets/clips/open_clips.h>
#include <ditharos/pipelines/clip_shapes.h>
#include <ditharos/training/run/output_files.h>
#include "examples/cli/inputs.h"
#include "examples/cli/options/precision.h"
#include "examples/cli/options/video_settings.h"
#include "examples/cli/outputs.h"

namespace ditharos::examples {
namespace {

void check_task_frames(int64_t tasks, int64_t frames) {
  check<ConfigError>(tasks == 0 || (frames >= 4 && frames % 2 == 0),
                     "--tasks needs an even number of --frames, at least 4, got ", frames);
}

}  // namespace

void describe(Settings& settings, ClipEvaluationOptions& options) {
  settings.options()
      .add("checkpoint", options.checkpoint, "a run folder, a checkpoint or an export")
      .add("prompts", options.prompts, "number of held-out prompts", between(2, 1e6))
      .add("frames", options.frames, "length of the clips; 0: 8, or the nearest that the model was trained on",
           between(0, double(data::max_clip_frames)))
      .add("size", options.size, "height x width in pixels; empty: 32x32, or the nearest that it was trained on")
      .add("tasks", options.tasks, "prompts on which to measure conditioning frames and loops too; 0: none",
           between(0, 1e6))
      .add("companions", options.companions, "share of prompts with a second object", between(0, 1))
      .add("seed", options.seed, "seed of the prompts and of the clips' noise")
      .add("last_weights", options.last_weights, "of a checkpoint: the last weights instead of their moving average")
      .add("cache", options.cache, "folder that caches the trained classifier")
      .add("grid", options.grid, "also write the first clips side by side to this PNG")
      .add("json", options.json, "also write the figures to this file")
      .add("precision", options.precision, precision_help, precision_names)
      .add("threads", options.threads, "0: as many as there are cores. Results do not depend on it", between(0, 1024));
  settings.section("classifier", "a classifier of objects in clips, trained once")
      .add("classifier_clips", options.classifier_clips, "real clips in its training set", between(1, 1e9))
      .add("classifier_epochs", options.classifier.epochs, "epochs of its training", between(1, 1e6));
  describe_clip_sampling(settings, options.sampler);
  settings.only_with(
      {"last_weights"}, [&options] { return !options.checkpoint.ends_with(".safetensors"); }, "a checkpoint");
}

void check_options(const ClipEvaluationOptions& options, const Settings& settings) {
  check<ConfigError>(options.tasks <= options.prompts, "--tasks ", options.tasks, " are more than --prompts ",
                     options.prompts);
  if (options.frames > 0) check_task_frames(options.tasks, options.frames);
  if (!options.size.empty()) static_cast<void>(data::parse_frame_size(options.size, "--size"));
  check_png_name("--grid", options.grid);
  check_outputs({{"--grid", options.grid}, {"--json", options.json}},
                {{"--checkpoint", options.checkpoint, true}, {"--config", settings.config_path()}});
  training::check_output_file(options.json);
  training::check_output_file(options.grid);
  training::check_output_folder(options.cache);
  check_inputs({{"--checkpoint", options.checkpoint}});
}

data::SampleShape shape_for(const ClipEvaluationOptions& options, const pipelines::VideoPipeline& pipeline) {
  const pipelines::TrainedClips& clips = pipeline.config().clips;
  check<ConfigError>(data::is_moving_garments(clips.data), "\"", pipeline.path(), "\" was trained on the clips of \"",
                     clips.data,
                     "\", but evaluate_video asks for the garments of \"moving-garments\" and recognises "
                     "nothing else: its figures would say nothing of this model");
  const data::SampleShape shape = wanted_shape(clips.shapes, {8, 32, 32}, options.frames, options.size);
  check_task_frames(options.tasks, shape.frames);
  pipelines::check_clip_shape(pipeline.model(), shape, "--frames, --size");
  warn_of_untrained(clips.shapes, shape);
  return shape;
}

}  // namespace ditharos::examples
