// Trains a text-to-video diffusion transformer on the latents of a frozen autoencoder.
//
//   train_video --config examples/configs/video.toml --autoencoder runs/autoencoder --out runs/video
//
// One set of weights learns clips of several shapes and, with a time per frame, image to video, extension and
// interpolation. The same configuration gives the same bytes at any number of threads, whether the run was interrupted
// and resumed or not.
#include <cstdio>
#include <optional>
#include <string>

#include <ditharos/data/datasets/clips/open_clips.h>
#include <ditharos/nn/state_dict.h>
#include <ditharos/pipelines/clip_shapes.h>
#include <ditharos/pipelines/prompts.h>
#include <ditharos/pipelines/video_pipeline.h>
#include <ditharos/tensor/io/number_text.h>
#include <ditharos/tensor/parallel.h>
#include <ditharos/training/held_out.h>
#include <ditharos/training/run/data_fingerprint.h>
#include <ditharos/training/training_loop.h>
#include "examples/cli/inputs.h"
#include "examples/cli/options/clip_data.h"
#include "examples/cli/options/training_settings.h"
#include "examples/cli/options/video_settings.h"
#include "examples/cli/outputs.h"
#include "examples/cli/program.h"
#include "examples/cli/reports/clip_grid.h"
#include "examples/cli/reports/prompt_words.h"
#include "examples/cli/run_reporter.h"

using namespace ditharos;
using namespace ditharos::examples;

namespace {

/// Tokenizer and autoencoder of a new run.
pipelines::VideoParts new_parts(const VideoSettings& run, const data::DataSource& source,
                                const pipelines::TrainedAutoencoder* autoencoder) {
  std::vector<std::string> captions;
  const int64_t count = std::min(run.tokenizer.caption_count, source.size());
  for (int64_t i = 0; i < count; ++i) captions.push_back(source.caption(i));
  pipelines::VideoParts parts{data::Tokenizer::train(captions, run.tokenizer.vocabulary), std::nullopt, ""};
  if (!autoencoder) return parts;
  parts.autoencoder = autoencoder->config;
  parts.autoencoder_description = autoencoder->description;
  return parts;
}

training::Trainer make_trainer(models::LatentDiT& model, const data::Tokenizer& tokenizer, const VideoSettings& run,
                               training::Communicator& ranks) {
  training::TrainerConfig config = trainer_config(run.train);
  config.ranks = &ranks;
  config.class_dropout = run.prompt_dropout;
  config.null_condition = pipelines::null_prompt(tokenizer, run.model.text.length);
  return training::Trainer(
      model, [&model](const Tensor& x, const Tensor& t, const Tensor& prompts) { return model(x, t, prompts); },
      std::make_shared<models::FrameFlow>(run.flow), make_optimizer(model, run.train), config);
}

int train(int argc, char** argv) {
  training::Communicator& ranks = join_ranks();
  VideoSettings run;
  TrainingOptions options("runs/video");
  std::string export_to, start_from;
  bool recompute = false;
  ClipReading reading;
  Settings settings("train_video", "Trains a text-to-video diffusion transformer.");
  describe_options(settings, options);
  settings.options()
      .add("export", export_to, "at the end, also write everything that sampling needs to this .safetensors file")
      .add("start_from", start_from,
           "begin a new run with the averaged weights, autoencoder and tokenizer of this run, checkpoint or export")
      .add("recompute", recompute,
           "recompute blocks in the backward pass: less memory, more time, the same up to rounding");
  describe(settings, reading);
  describe(settings, run);
  settings.only_with(
      {"autoencoder", "vocabulary", "caption_count"}, [&] { return start_from.empty(); },
      "a run without --start-from, which brings its own autoencoder and tokenizer");
  if (!settings.parse(argc, argv)) return 0;
  settle_ranks(options, run.train);
  settle(run);
  check_training_outputs(
      options, settings,
      {{"--data", run.clips.data}, {"--autoencoder", run.autoencoder, true}, {"--start-from", start_from, true}},
      {{"--export", export_to}, {"--cache", reading.cache, true}});
  check_training_inputs(options, settings,
                        {{"--start-from", start_from}, {"--autoencoder", start_from.empty() ? run.autoencoder : ""}});
  say_adjustments(settings, run.train);
  if (!export_to.empty()) pipelines::check_export_path(export_to);
  RunReporter reporter;
  const training::RunOutputs outputs(options, "samples.png", reporter);

  const auto source = data::open_clips(run.clips.data, data::ClipUse::training, options.max_pixels);
  print_notes(source->notes());
  const std::vector<data::Bucket> buckets = clip_buckets(run.clips, run.train.batch_size);
  const training::RunIdentity identity{.kind = video_kind(),
                                       .configuration = settings.to_toml(),
                                       .defaults = default_configuration<VideoSettings>(),
                                       .data = training::fingerprint_of(*source),
                                       .train = run.train};
  const std::optional<training::TrainState> state = state_to_resume(options, identity, reporter);
  std::optional<pipelines::VideoPipeline> other;
  std::optional<pipelines::TrainedAutoencoder> autoencoder;
  if (!state && !start_from.empty()) {
    other = pipelines::VideoPipeline::from_pretrained(start_from, {.reporter = &reporter});
    reporter.note("weights to begin with: " + other->path() + ", step " + std::to_string(other->step()));
  } else if (!state && !run.autoencoder.empty()) {
    autoencoder = pipelines::load_autoencoder(run.autoencoder, {.reporter = &reporter});
    reporter.note("autoencoder: " + autoencoder->path + ", step " + std::to_string(autoencoder->step));
  }
  const pipelines::VideoParts parts = state   ? pipelines::read_video_parts(state->metadata, options.folder)
                                      : other ? other->parts()
                                              : new_parts(run, *source, autoencoder ? &*autoencoder : nullptr);
  models::LatentDiT model =
      pipelines::build_video_model(run.model, parts, run.train.seed, autoencoder ? &autoencoder->model : nullptr);
  if (other) nn::load_state_dict(model, nn::named_tensors(other->trainable_model()));
  model.dit().set_recompute(recompute);
  for (const data::Bucket& bucket : buckets) pipelines::check_clip_shape(model, bucket.shape, "shapes");
  std::vector<std::string> prompts = parse_prompts(run.prompts);
  if (prompts.empty()) prompts = pipelines::first_captions(*source, parts.tokenizer, run.model.text.length, 4);
  static_cast<void>(pipelines::encode_prompts(parts.tokenizer, prompts, run.model.text.length));

  training::Trainer trainer = make_trainer(model, parts.tokenizer, run, ranks);
  if (state) trainer.restore(*state);
  reading.writes_nothing = options.writes_nothing();
  const BucketedSource samples = training_samples({source, buckets}, model, reading);
  data::Loader loader(samples.source,
                      {.buckets = samples.buckets,
                       .seed = run.train.seed,
                       .epoch_end = data::EpochEnd::carry_over,
                       .part = ranks.rank(),
                       .parts = ranks.size()},
                      {0, state && !run.train.overfit_one_batch ? state->position : 0});
  const data::SampleShape& shape = buckets[0].shape;
  std::printf("%lld clips in %zu shapes, %lld of %s a step; %lld tokens of text; %lld parameters; %d threads\n",
              static_cast<long long>(source->size()), buckets.size(), static_cast<long long>(buckets[0].batch_size),
              data::to_text(shape).c_str(), static_cast<long long>(parts.tokenizer.vocabulary()),
              static_cast<long long>(nn::parameter_count(model)), num_threads());

  const auto prompts_of = [&](const data::Batch& batch) {
    return pipelines::encode_captions(parts.tokenizer, batch.captions, run.model.text.length);
  };
  const auto next_batch = [&] {
    const data::Batch batch = loader.next();
    return training::TrainingBatch{batch.samples,  prompts_of(batch), batch.indices,
                                   batch.captions, batch.first,       batch.total};
  };
  const auto held_out = [&] {
    const auto clips = data::open_clips(run.clips.data, data::ClipUse::evaluation, options.max_pixels);
    std::vector<training::MicroBatch> batches;
    for (const data::Batch& batch :
         training::held_out_batches(*clips, shape, run.output.validation_samples, buckets[0].batch_size))
      batches.push_back({model.to_latents(batch.samples), prompts_of(batch)});
    return batches;
  };
  const auto describe_state = [&](training::TrainState& s) {
    s.position = loader.cursor().position, pipelines::describe_video_checkpoint(s, parts);
  };
  const auto show = [&](const std::string& path) {
    const training::AveragedWeights averaged(trainer);
    if (!ranks.is_root()) return training::JsonObject();
    nn::set_training(model, false);
    const Tensor clips = pipelines::sample_clips(model, parts.tokenizer, run.flow.flow, run.sampler, prompts,
                                                 {.shape = shape, .seed = run.train.seed});
    nn::set_training(model, true);
    save_clip_grid(path, clips, prompts);
    return training::JsonObject();
  };
  const int status = reporter.finish(training::run_training({.trainer = trainer,
                                                             .outputs = outputs,
                                                             .run = identity,
                                                             .output = run.output,
                                                             .next_batch = next_batch,
                                                             .held_out = held_out,
                                                             .describe = describe_state,
                                                             .show = show,
                                                             .reporter = reporter}));
  if (status != 0 || export_to.empty() || options.writes_nothing() || !ranks.is_root()) return status;
  auto pipeline = pipelines::VideoPipeline::from_pretrained(options.folder, {.reporter = &reporter});
  const int64_t bytes = pipeline.save(export_to);
  std::printf("export:     %s (%s MB)\n", export_to.c_str(), fixed_text(double(bytes) / 1e6, 1).c_str());
  return 0;
}

}  // namespace

int main(int argc, char** argv) { return run_main(argc, argv, train); }
