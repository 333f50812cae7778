// Trains a diffusion transformer on images, of classes or from captions, or on the latents of an autoencoder.
//
//   train_dit --config examples/configs/quickstart.toml --data my_images --out runs/mine
//   train_dit --data my_captioned_images --size 64 --autoencoder runs/autoencoder --out runs/mine
//
// The result depends only on the configuration and the data: it has the same bytes at any number of threads, whether
// the run was interrupted and resumed or not.
#include <cstdio>
#include <memory>
#include <string>

#include <ditharos/data/image/image_grid.h>
#include <ditharos/data/loading/loader.h>
#include <ditharos/nn/module.h>
#include <ditharos/pipelines/image_pipeline.h>
#include <ditharos/pipelines/prompts.h>
#include <ditharos/tensor/parallel.h>
#include <ditharos/training/held_out.h>
#include <ditharos/training/run/data_fingerprint.h>
#include <ditharos/training/training_loop.h>
#include "examples/cli/inputs.h"
#include "examples/cli/options/dit_data.h"
#include "examples/cli/options/dit_settings.h"
#include "examples/cli/options/image_options.h"
#include "examples/cli/options/sample_cache.h"
#include "examples/cli/options/training_settings.h"
#include "examples/cli/outputs.h"
#include "examples/cli/program.h"
#include "examples/cli/run_reporter.h"

using namespace ditharos;
using namespace ditharos::examples;

namespace {

training::Trainer make_trainer(models::LatentDiT& model, const pipelines::ImageParts& parts, const DiTSettings& run,
                               training::Communicator& ranks) {
  training::TrainerConfig config = trainer_config(run.train);
  config.ranks = &ranks;
  config.class_dropout = run.model.condition() != models::Condition::none ? run.model.class_dropout : 0;
  config.null_condition = pipelines::null_condition(parts, run.model);
  nn::ModuleBase& stored = pipelines::stored_module(model);
  return training::Trainer(
      stored, [&dit = model.dit()](const Tensor& x, const Tensor& t, const Tensor& c) { return dit(x, t, c); },
      models::make_objective(run.process), make_optimizer(stored, run.train), config);
}

/// A grid of samples from fixed noise, one row per class or prompt, with the averaged weights.
void draw_grid(const std::string& path, models::LatentDiT& model, training::Trainer& trainer, const DiTSettings& run,
               const pipelines::ImageParts& parts, const std::vector<std::string>& prompts) {
  constexpr int64_t per_row = 8;
  const training::AveragedWeights averaged(trainer);
  if (!trainer.ranks().is_root()) return;
  nn::set_training(model, false);
  const uint64_t seed = run.train.seed;
  const Tensor samples =
      parts.tokenizer
          ? pipelines::sample_images(model.dit(), *parts.tokenizer, run.process, run.sampler,
                                     {.prompts = prompts, .per_prompt = per_row, .seed = seed})
          : pipelines::sample_images(model.dit(), run.process, run.sampler, {.per_class = per_row, .seed = seed});
  const Tensor images = pipelines::decode_images(model, samples);
  nn::set_training(model, true);
  using Place = data::GridOptions::LabelPlace;
  data::save_grid(path, images,
                  {.columns = per_row,
                   .scale = 2,
                   .row_labels = parts.tokenizer ? prompts : parts.class_names,
                   .label_place = parts.tokenizer ? Place::above : Place::left});
}

int train(int argc, char** argv) {
  training::Communicator& ranks = join_ranks();
  DiTSettings run;
  TrainingOptions options("runs/dit");
  bool recompute = false;
  DataOptions reading;
  Settings settings("train_dit", "Trains a diffusion transformer on images, of classes or from captions.");
  describe_options(settings, options);
  settings.options().add("recompute", recompute,
                         "recompute blocks in the backward pass: less memory, more time, the same up to rounding");
  describe_image_memory(settings, reading.limits.memory);
  describe_cache(settings, reading.cache, "images");
  describe(settings, run);
  if (!settings.parse(argc, argv)) return 0;
  settle_ranks(options, run.train);
  settle_without_data(run);
  check_training_outputs(options, settings, {{"--data", run.data.data}, {"--autoencoder", run.autoencoder, true}},
                         {{"--cache", reading.cache, true}});
  check_training_inputs(options, settings, {{"--autoencoder", run.autoencoder}});
  say_adjustments(settings, run.train);
  RunReporter reporter;
  const training::RunOutputs outputs(options, "samples.png", reporter);

  reading.limits.max_pixels = options.max_pixels;
  reading.writes_nothing = options.writes_nothing();
  const std::shared_ptr<const data::DataSource> images = training_images(run, reading);
  const training::RunIdentity identity{.kind = dit_kind(),
                                       .configuration = settings.to_toml(),
                                       .defaults = default_configuration<DiTSettings>(),
                                       .data = training::fingerprint_of(*images),
                                       .train = run.train};
  const std::optional<training::TrainState> state = state_to_resume(options, identity, reporter);
  const ImageModelParts made = image_parts(run, *images, state, options.folder, reporter);
  const pipelines::ImageParts& parts = made.parts;
  fit_to_data(run, *images, parts, made.autoencoder ? &*made.autoencoder : nullptr);
  if (!state) settings.check_kinds();  // again, since the data decide what images are drawn by
  Generator rng(run.train.seed);
  models::LatentDiT model(run.model, made.autoencoder, rng);
  model.dit().set_recompute(recompute);
  std::vector<std::string> prompts;
  if (parts.tokenizer) prompts = pipelines::first_captions(*images, *parts.tokenizer, run.model.text.length, 8);
  training::Trainer trainer = make_trainer(model, parts, run, ranks);
  if (state) trainer.restore(*state);
  const auto samples = training_samples(images, model, run, reading);
  data::Cursor start;
  if (state && !run.train.overfit_one_batch) start = {uint64_t(state->epoch), state->position};
  if (start.position > samples->size()) start = {start.epoch + 1, 0};  // the data set has shrunk
  data::Loader loader(samples,
                      {.batch_size = run.train.batch_size,
                       .seed = run.train.seed,
                       .horizontal_flip = run.data.horizontal_flip && !made.autoencoder,
                       .part = ranks.rank(),
                       .parts = ranks.size()},
                      start);
  std::printf("%s; %lld parameters; %d threads\n", describe_data(*images, run, parts).c_str(),
              static_cast<long long>(nn::parameter_count(model)), num_threads());

  const auto conditions = [&](const data::Batch& b) { return pipelines::conditions_of(parts, run.model, b); };
  const auto next_batch = [&] {
    const data::Batch batch = loader.next();
    return training::TrainingBatch{batch.images(), conditions(batch), batch.indices,
                                   batch.captions, batch.first,       batch.total};
  };
  const auto held_out = [&] {
    const auto test = held_out_samples(*images, model, run, reading);
    std::vector<training::MicroBatch> batches;
    for (const data::Batch& batch : training::held_out_batches(*test, *samples->native_shape(),
                                                               run.output.validation_samples, run.train.batch_size))
      batches.push_back({batch.images(), conditions(batch)});
    return batches;
  };
  const auto describe_state = [&](training::TrainState& saved) {
    const data::Cursor cursor = loader.cursor();
    saved.epoch = int64_t(cursor.epoch);
    saved.position = cursor.position;
    pipelines::describe_image_checkpoint(saved, run.model, parts);
  };
  const auto show = [&](const std::string& path) {
    draw_grid(path, model, trainer, run, parts, prompts);
    return training::JsonObject();
  };
  return reporter.finish(training::run_training({.trainer = trainer,
                                                 .outputs = outputs,
                                                 .run = identity,
                                                 .output = run.output,
                                                 .next_batch = next_batch,
                                                 .held_out = held_out,
                                                 .describe = describe_state,
                                                 .show = show,
                                                 .reporter = reporter}));
}

}  // namespace

int main(int argc, char** argv) { return run_main(argc, argv, train); }
