// Evaluates a text-to-video model: samples clips for held-out prompts and measures whether object, direction, motion
// and sky are those of the prompt, compared with real clips and shuffled prompts. With --tasks it also measures how
// exactly conditioning frames are reproduced, and how well loops close.
//
//   evaluate_video --checkpoint runs/video --prompts 200 --frames 16 --size 32x48 --tasks 20
#include <algorithm>
#include <cstdio>
#include <string>
#include <vector>

#include <ditharos/autograd/ops.h>
#include <ditharos/data/datasets/dataset.h>
#include <ditharos/models/evaluation/clip_evaluator.h>
#include <ditharos/pipelines/held_out_clips.h>
#include <ditharos/tensor/io/number_text.h>
#include <ditharos/tensor/parallel.h>
#include <ditharos/training/distributed/rank_checks.h>
#include "examples/cli/options/clip_evaluation_options.h"
#include "examples/cli/options/precision.h"
#include "examples/cli/program.h"
#include "examples/cli/progress.h"
#include "examples/cli/reports/clip_grid.h"
#include "examples/cli/reports/clip_report.h"
#include "examples/cli/reports/evaluation_classifier.h"
#include "examples/cli/run_reporter.h"

using namespace ditharos;
using namespace ditharos::examples;

namespace {

std::vector<models::ClipPrediction> classify_all(const models::ConvClassifier& classifier,
                                                 const std::vector<Tensor>& clips) {
  std::vector<models::ClipPrediction> predictions;
  for (const Tensor& clip : clips) predictions.push_back(models::classify_clip(classifier, clip));
  return predictions;
}

Tensor sample_clips(const pipelines::VideoPipeline& pipeline, const std::vector<std::string>& captions,
                    const data::SampleShape& shape, uint64_t seed, training::Communicator& ranks) {
  const auto count = int64_t(captions.size());
  std::printf("sampling %lld clips of %s: %lld steps, guidance %s\n", static_cast<long long>(count),
              data::to_text(shape).c_str(), static_cast<long long>(pipeline.sampler().steps),
              general_text(pipeline.sampler().guidance.scale, 6).c_str());
  Progress progress(0, count, "clip");
  const pipelines::ClipRequest request{.shape = shape, .seed = seed, .ranks = &ranks};
  const Tensor clips = pipeline(captions, request, [&](double share, int64_t, const Tensor&) {
    progress.update(int64_t(share * double(count)));
  });
  progress.finish();
  return clips;
}

int evaluate(int argc, char** argv) {
  training::Communicator& ranks = join_ranks();
  ClipEvaluationOptions options;
  Settings settings("evaluate_video",
                    "Measures whether the clips of a text-to-video model show what their prompts describe.");
  describe(settings, options);
  if (!settings.parse(argc, argv)) return 0;
  settle_threads(options.threads);
  check_options(options, settings);
  say_precision(options.precision);
  RunReporter reporter;
  auto pipeline = pipelines::VideoPipeline::from_pretrained(
      options.checkpoint, {.averaged = !options.last_weights, .precision = options.precision, .reporter = &reporter});
  // The sampler's defaults are those of the training; the command line overrides them.
  options.sampler = pipeline.sampler();
  settings.parse(argc, argv);
  pipeline.set_sampler(options.sampler);
  settings.say_without_effect();
  const data::SampleShape shape = shape_for(options, pipeline);

  const models::ConvClassifier classifier = training::root_first(
      ranks, [&] { return clip_classifier(options.cache, options.classifier_clips, options.classifier); });
  const pipelines::HeldOutClips held_out =
      pipelines::held_out_clips(pipeline, shape, options.prompts, options.companions, options.seed);
  const Tensor sampled = sample_clips(pipeline, held_out.captions, shape, options.seed, ranks);
  if (!ranks.is_root()) return 0;
  std::vector<Tensor> clips;
  for (int64_t i = 0; i < options.prompts; ++i) clips.push_back(data::to_bytes(select(sampled, 0, i)));

  const std::vector<models::ClipPrediction> predictions = classify_all(classifier, clips);
  const auto score = [&](const std::vector<Tensor>& of) {
    return models::score_clips(held_out.facts, classify_all(classifier, of));
  };
  ClipReport report{.real = score(held_out.real),
                    .reconstructed = score(pipelines::reconstruct(pipeline, held_out.real)),
                    .sampled = models::score_clips(held_out.facts, predictions),
                    .shuffled = models::score_shuffled(held_out.facts, predictions),
                    .prompts = options.prompts,
                    .shape = shape,
                    .tasks = {}};
  print_scores(report);
  if (options.tasks > 0) {
    const auto some = [&](const auto& all) { return std::vector(all.begin(), all.begin() + options.tasks); };
    report.tasks = measure_tasks(pipeline, some(held_out.captions), some(held_out.real), options.seed);
    print_tasks(*report.tasks, options.tasks);
  }
  if (!options.grid.empty()) {
    const int64_t shown = std::min<int64_t>(12, options.prompts);
    save_clip_grid(options.grid, slice(sampled, 0, 0, shown),
                   {held_out.captions.begin(), held_out.captions.begin() + shown});
  }
  if (!options.json.empty()) write_json(options.json, report, pipeline);
  return 0;
}

}  // namespace

int main(int argc, char** argv) { return run_main(argc, argv, evaluate); }
