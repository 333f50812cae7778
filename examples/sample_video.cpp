// Samples clips from a trained text-to-video model.
//
//   sample_video "a red sneaker drifts left" --frames 16 --size 32x48 --steps 30 --cfg 4 --out clip.webp
//
// Besides the prompt there may be conditioning frames: the first frame (--first), the last (--last), both
// (--interpolate A B), or a clip to extend (--extend forwards|backwards CLIP). --from redraws a clip, and --loop makes
// a clip whose end leads to its beginning.
#include <cstdio>
#include <string>
#include <vector>

#include <ditharos/autograd/ops.h>
#include <ditharos/data/codecs/video/video_file.h>
#include <ditharos/pipelines/prompts.h>
#include <ditharos/pipelines/video_pipeline.h>
#include <ditharos/tensor/parallel.h>
#include "examples/cli/inputs.h"
#include "examples/cli/options/clip_options.h"
#include "examples/cli/options/precision.h"
#include "examples/cli/program.h"
#include "examples/cli/progress.h"
#include "examples/cli/reports/clip_grid.h"
#include "examples/cli/reports/prompt_words.h"
#include "examples/cli/run_reporter.h"

using namespace ditharos;
using namespace ditharos::examples;

namespace {

constexpr int64_t preview_moments = 10;

/// The middle frame of each clip of the first batch during sampling, one row per clip.
class Preview {
 public:
  void watch(const models::LatentDiT& model, double share_of_batch, const Tensor& latents) {
    if (share_of_batch < double(moments_.size()) / double(preview_moments - 1) - 1e-9) return;
    const int64_t middle = latents.size(1) / 2;
    moments_.push_back(select(model.from_latents(slice(latents, 1, middle, middle + 1)), 1, 0));
  }
  void save(const std::string& path, const std::vector<std::string>& prompts) const {
    const Tensor images = stack(moments_, 1);  // [B, moments, 3, H, W]
    const int64_t clips = images.size(0);
    save_clip_grid(path, images, {prompts.begin(), prompts.begin() + clips}, images.size(1), 3);
  }

 private:
  std::vector<Tensor> moments_;  // [B, 3, H, W] each
};

Tensor sample_with_progress(const pipelines::VideoPipeline& pipeline, const ClipOptions& options,
                            const pipelines::ClipRequest& request, Preview& preview) {
  constexpr int64_t percent = 100;
  Progress progress(0, percent, "%");
  double of_first_batch = 1;
  const Tensor clips = pipeline(options.prompts, request, [&](double share, int64_t first, const Tensor& latents) {
    progress.update(int64_t(share * percent));
    if (first == 0) of_first_batch = double(latents.size(0)) / double(options.prompts.size());
    if (first == 0 && !options.strip.empty()) preview.watch(pipeline.model(), share / of_first_batch, latents);
  });
  progress.finish();
  return clips;
}

int sample(int argc, char** argv) {
  training::Communicator& ranks = join_ranks();
  ClipOptions options;
  Settings settings("sample_video", "Samples clips from a text-to-video model that train_video trained.");
  describe(settings, options);
  if (!settings.parse(argc, argv)) return 0;
  settle_threads(options.threads);
  RunReporter reporter;
  if (options.list_words) {
    check_inputs({{"--checkpoint", options.checkpoint}});
    const auto pipeline = pipelines::VideoPipeline::from_pretrained(options.checkpoint, {.reporter = &reporter});
    for (const std::string& word : pipeline.tokenizer().words()) std::printf("%s\n", word.c_str());
    return 0;
  }
  check_options(options, settings);
  say_precision(options.precision);

  auto pipeline = pipelines::VideoPipeline::from_pretrained(
      options.checkpoint, {.averaged = !options.last_weights, .precision = options.precision, .reporter = &reporter});
  // The sampler's defaults are those of the training; the command line overrides them.
  options.sampler = pipeline.sampler();
  settings.parse(argc, argv);
  pipeline.set_sampler(options.sampler);
  settings.say_without_effect();
  // Only to check the prompts.
  static_cast<void>(
      pipelines::encode_prompts(pipeline.tokenizer(), options.prompts, pipeline.config().model.text.length));
  for (const std::string& prompt : options.prompts)
    if (!options.any_words) check_words(pipeline.tokenizer(), prompt);
  pipelines::ClipRequest request = make_request(options, pipeline);
  request.ranks = &ranks;

  Preview preview;
  const Tensor clips = sample_with_progress(pipeline, options, request, preview);
  if (!ranks.is_root()) return 0;
  std::string written;
  const std::vector<std::string> files = clip_files(options);
  for (size_t i = 0; i < files.size(); ++i) {
    data::write_clip(files[i], contiguous(select(clips, 0, int64_t(i))), options.fps, {.scale = options.scale});
    written += (written.empty() ? "" : ", ") + files[i];
  }
  if (!options.grid.empty()) save_clip_grid(options.grid, clips, options.prompts, clips.size(1));
  if (!options.strip.empty()) preview.save(options.strip, options.prompts);
  const data::SampleShape shape{clips.size(1), clips.size(3), clips.size(4)};
  std::printf("%zu %s of %s from %s, step %lld: %s\n", files.size(), files.size() == 1 ? "clip" : "clips",
              data::to_text(shape).c_str(), pipeline.path().c_str(), static_cast<long long>(pipeline.step()),
              written.c_str());
  return 0;
}

}  // namespace

int main(int argc, char** argv) { return run_main(argc, argv, sample); }
