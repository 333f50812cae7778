// Makes clips with a trained text-to-video model.
//
//   sample_video "a red sneaker drifts left" --frames 16 --size 32x48 --steps 30 --cfg 4 --out clip.webp
//
// Beside the prompt a clip may be given its first frame (--first), its last (--last), both (--interpolate A B), a clip
// to go on from or to lead up to (--extend forwards|backwards CLIP), a clip to be redrawn (--from), or its own
// beginning as its end (--loop).
#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <string>
#include <vector>

#include <ditharos/autograd/ops.h>
#include <ditharos/data/codecs/video_file.h>
#include <ditharos/data/datasets/dataset.h>
#include <ditharos/data/image/resize.h>
#include <ditharos/tensor/parallel.h>
#include <ditharos/training/output_files.h>
#include "examples/cli/outputs.h"
#include "examples/cli/program.h"
#include "examples/cli/progress.h"
#include "examples/common/video_checkpoint.h"
#include "examples/common/video_sampling.h"

using namespace ditharos;
using namespace ditharos::examples;

namespace {

constexpr int64_t preview_moments = 10;

struct Options {
  std::vector<std::string> prompts, interpolate, extend;
  std::string checkpoint = "examples/checkpoints/sora.safetensors", out = "clip.webp", sheet, strip, size;
  std::string first, last, from;
  int64_t frames = 0, scale = 4, max_pixels = data::default_max_pixels;
  double fps = 8, strength = .6;
  uint64_t seed = 0;
  int threads = 0;
  bool loop = false, list_words = false, any_words = false, last_weights = false;
  VideoSampling sampling;
};

void describe(Settings& settings, Options& options) {
  settings.add_arguments(options.prompts, "PROMPT...", "what to show, in words: one clip for each");
  settings.options()
      .add("checkpoint", options.checkpoint, "a run folder, a checkpoint or an export")
      .add("out", options.out, "the file to write: .webp, .gif, .png (a strip), .y4m, .mp4 (needs ffmpeg), or a folder "
                               "of PNGs; of several clips each gets a number")
      .add("frames", options.frames, "length of the clip; with --extend, of what the model sees at once; 0: 16, or the "
                                     "nearest that the model was trained on; with --from, the clip's",
           between(0, double(data::max_clip_frames)))
      .add("size", options.size, "height x width in pixels; empty: 32x32, or the nearest that the model was trained "
                                 "on, with --from of these the one that fits the clip")
      .add("fps", options.fps, "frames a second", between(.01, 1000))
      .add("scale", options.scale, "size of a pixel in the file", between(1, 32))
      .add("seed", options.seed, "decides the noise that clips begin with")
      .add("steps", options.sampling.steps, "steps from noise to clip", at_least(1).at_most(1000))
      .add("cfg", options.sampling.guidance.scale, "classifier-free guidance, how closely to follow the prompt; 1: "
                                                   "none", between(0, 1e6))
      .add("heun", options.sampling.heun, "Heun's method instead of Euler's: twice the work, more precise")
      .add("sheet", options.sheet, "also write the frames of all clips side by side to this PNG")
      .add("strip", options.strip, "also write to this PNG how the middle frame comes out of the noise")
      .add("first", options.first, "a picture or clip whose first frame the clip begins with")
      .add("last", options.last, "a picture or clip whose last frame the clip ends with")
      .add("loop", options.loop, "lead the last frame back to the first")
      .add("from", options.from, "a clip to draw anew, scaled to the model's size")
      .add("strength", options.strength, "with --from: how far to go back to noise", above(0).at_most(1))
      .add("list_words", options.list_words, "print the words that the model knows, one a line, and end")
      .add("any_words", options.any_words, "take prompts with words that the model has never seen")
      .add("last_weights", options.last_weights, "of a checkpoint: the last weights instead of their moving average")
      .add("threads", options.threads, "0: as many as there are cores. Results do not depend on it", between(0, 1024));
  describe_max_pixels(settings, options.max_pixels);
  settings.add_texts("interpolate", options.interpolate, 2, "A B", "begin with picture A and end with picture B");
  settings.add_texts("extend", options.extend, 2, "DIRECTION CLIP",
                     "\"forwards\": go on from the clip's end; \"backwards\": lead up to its beginning");
  settings.only_with({"strength"}, [&options] { return !options.from.empty(); }, "--from");
  settings.only_with({"fps"}, [&options] { return !options.out.ends_with(".png"); }, "a file that moves, not a strip");
  settings.only_with({"last_weights"}, [&options] { return !options.checkpoint.ends_with(".safetensors"); },
                     "a checkpoint");
}

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

void check_one_task(const Options& o) {
  const bool ends = !o.first.empty() || !o.last.empty();
  const int tasks = int(ends) + int(!o.interpolate.empty()) + int(!o.extend.empty()) + int(!o.from.empty()) +
                    int(o.loop);
  check<ConfigError>(tasks <= 1, "--interpolate, --extend, --from, --loop and --first or --last are tasks of their "
                                 "own: choose one");
  check<ConfigError>(o.extend.empty() || o.extend[0] == "forwards" || o.extend[0] == "backwards",
                     "--extend goes \"forwards\" or \"backwards\", not \"", o.extend.empty() ? "" : o.extend[0], "\"");
}

ClipRequest make_request(const Options& o, const data::SampleShape& shape) {
  const auto read = [&](const std::string& path) { return read_frames(path, shape.height, shape.width, o.max_pixels); };
  const auto first_of = [](const Tensor& clip) { return slice(clip, 0, 0, 1); };
  const auto last_of = [](const Tensor& clip) { return slice(clip, 0, clip.size(0) - 1, clip.size(0)); };
  ClipRequest request{.shape = shape, .seed = o.seed};
  if (o.loop) request.task = ClipTask::loop;
  if (!o.first.empty()) request.first = first_of(read(o.first));
  if (!o.last.empty()) request.last = last_of(read(o.last));
  if (!o.interpolate.empty()) {
    request.first = last_of(read(o.interpolate[0]));
    request.last = first_of(read(o.interpolate[1]));
  }
  if (!o.extend.empty()) {
    request.task = o.extend[0] == "forwards" ? ClipTask::extend_forwards : ClipTask::extend_backwards;
    request.clip = read(o.extend[1]);
  }
  const int64_t ends = int64_t(request.first.defined()) + int64_t(request.last.defined());
  check<ConfigError>(ends < shape.frames, "--frames ", shape.frames, " leaves nothing to be made beside the ", ends,
                     " that are given");
  return request;
}

/// --from: the clip decides the length, and which of the model's sizes, unless the command line does. Files are larger
/// than what the model works on, as --scale makes them.
ClipRequest redraw_request(const Options& o, const TrainedVideo& trained) {
  const Tensor original = data::read_clip(o.from, o.max_pixels).frames;
  const int64_t unit = trained.model.clip_multiple().frames;
  const int64_t frames = o.frames > 0 ? o.frames : std::max(unit, original.size(0) / unit * unit);
  const FrameSize size = o.size.empty()
                             ? size_for(trained_shapes(trained.run.clips), original.size(2), original.size(3))
                             : parse_frame_size(o.size, "--size");
  const data::SampleShape shape{frames, size.height, size.width};
  check<ConfigError>(shape.frames <= original.size(0), "--frames ", shape.frames, ": \"", o.from, "\" has only ",
                     original.size(0));
  check_clip_shape(trained.model, shape, "--from");
  return {.shape = shape, .seed = o.seed, .task = ClipTask::redraw,
          .clip = slice(fit_frames(original, shape.height, shape.width), 0, 0, shape.frames), .strength = o.strength};
}

/// "clip.webp" of several clips: "clip-1.webp", "clip-2.webp", ...
std::string numbered(const std::string& path, size_t i, size_t count) {
  if (count == 1) return path;
  const std::filesystem::path p(path);
  return (p.parent_path() / (p.stem().string() + "-" + std::to_string(i + 1) + p.extension().string())).string();
}

/// No file that is to be written is one that is read, the names fit what is written there, and it can be written.
void check_files(const Options& o, const Settings& settings) {
  check_png_name("--sheet", o.sheet);
  check_png_name("--strip", o.strip);
  std::vector<NamedOutput> outputs{{"--sheet", o.sheet}, {"--strip", o.strip}};
  std::vector<std::string> clips;
  for (size_t i = 0; i < o.prompts.size(); ++i) clips.push_back(numbered(o.out, i, o.prompts.size()));
  for (const std::string& path : clips)
    outputs.push_back({"--out", path, !std::filesystem::path(path).has_extension()});
  std::vector<NamedInput> inputs{{"--checkpoint", o.checkpoint, true}, {"--config", settings.config_path()},
                                 {"--first", o.first}, {"--last", o.last}, {"--from", o.from}};
  for (const std::string& path : o.interpolate) inputs.push_back({"--interpolate", path});
  if (!o.extend.empty()) inputs.push_back({"--extend", o.extend[1]});
  check_outputs(outputs, inputs);
  for (const std::string& path : clips) data::check_clip_output(path);
  training::check_output_file(o.sheet);
  training::check_output_file(o.strip);
}

/// How the middle frame of each clip of the first batch came out of the noise: a row a clip.
class Preview {
 public:
  void watch(const models::LatentVideo& model, double share_of_batch, const Tensor& latents) {
    if (share_of_batch < double(moments_.size()) / double(preview_moments - 1) - 1e-9) return;
    const int64_t middle = latents.size(1) / 2;
    moments_.push_back(select(model.from_latents(slice(latents, 1, middle, middle + 1)), 1, 0));
  }
  void save(const std::string& path, const std::vector<std::string>& prompts) const {
    const Tensor pictures = stack(moments_, 1);  // [B, moments, 3, H, W]
    const int64_t clips = pictures.size(0);
    save_contact_sheet(path, pictures, {prompts.begin(), prompts.begin() + clips}, pictures.size(1), 3);
  }

 private:
  std::vector<Tensor> moments_;  // [B, 3, H, W] each
};

int sample(int argc, char** argv) {
  Options options;
  Settings settings("sample_video", "Makes clips with a text-to-video model that train_video trained.");
  describe(settings, options);
  if (!settings.parse(argc, argv)) return 0;
  if (options.threads > 0) set_num_threads(options.threads);
  if (options.list_words) {
    for (const std::string& word : load_video(options.checkpoint).tokenizer.words()) std::printf("%s\n", word.c_str());
    return 0;
  }
  check<ConfigError>(!options.prompts.empty(), "no prompt: say what the clip should show, as in sample_video \"a red "
                                               "sneaker drifts left\"");
  check_one_task(options);
  if (!options.size.empty()) parse_frame_size(options.size, "--size");
  check_files(options, settings);

  TrainedVideo trained = load_video(options.checkpoint, !options.last_weights);
  // How the model was trained to be sampled is the default; what the command line says wins over it.
  options.sampling = trained.run.sampling;
  settings.parse(argc, argv);
  trained.run.sampling = options.sampling;
  settings.say_without_effect();
  // To check them.
  static_cast<void>(encode_prompts(trained.tokenizer, options.prompts, trained.run.model.text.length));
  for (const std::string& prompt : options.prompts)
    if (!options.any_words) check_words(trained.tokenizer, prompt);
  const data::SampleShape asked = wanted_shape(trained.run.clips, {16, 32, 32}, options.frames, options.size);
  if (options.from.empty()) check_clip_shape(trained.model, asked, "--frames, --size");
  const ClipRequest request = options.from.empty() ? make_request(options, asked) : redraw_request(options, trained);
  warn_of_untrained(trained.run.clips, request.shape);

  constexpr int64_t percent = 100;
  Progress progress(0, percent, "%");
  Preview preview;
  double of_first_batch = 1;
  const Tensor clips = sample_clips(trained.model, trained.tokenizer, trained.run, options.prompts, request,
                                    [&](double share, int64_t first, const Tensor& latents) {
    progress.update(int64_t(share * percent));
    if (first == 0) of_first_batch = double(latents.size(0)) / double(options.prompts.size());
    if (first == 0 && !options.strip.empty()) preview.watch(trained.model, share / of_first_batch, latents);
  });
  progress.finish();

  std::string written;
  for (size_t i = 0; i < options.prompts.size(); ++i) {
    const std::string path = numbered(options.out, i, options.prompts.size());
    data::write_clip(path, contiguous(select(clips, 0, int64_t(i))), options.fps, {.scale = options.scale});
    written += (written.empty() ? "" : ", ") + path;
  }
  if (!options.sheet.empty()) save_contact_sheet(options.sheet, clips, options.prompts, clips.size(1));
  if (!options.strip.empty()) preview.save(options.strip, options.prompts);
  const data::SampleShape shape{clips.size(1), clips.size(3), clips.size(4)};
  std::printf("%zu %s of %s from %s, step %lld: %s\n", options.prompts.size(),
              options.prompts.size() == 1 ? "clip" : "clips", data::to_text(shape).c_str(), trained.path.c_str(),
              static_cast<long long>(trained.step), written.c_str());
  return 0;
}

}  // namespace

int main(int argc, char** argv) { return run_main(argc, argv, sample); }
