// Trains a class-conditional diffusion transformer on images.
//
//   train_dit --config examples/configs/quickstart.toml --data my_images --out runs/mine
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
#include <ditharos/tensor/parallel.h>
#include <ditharos/training/held_out.h>
#include <ditharos/training/run/data_fingerprint.h>
#include <ditharos/training/training_loop.h>
#include "examples/cli/options/dit_settings.h"
#include "examples/cli/options/image_cache.h"
#include "examples/cli/options/image_options.h"
#include "examples/cli/options/training_settings.h"
#include "examples/cli/outputs.h"
#include "examples/cli/program.h"
#include "examples/cli/run_reporter.h"

using namespace ditharos;
using namespace ditharos::examples;

namespace {

training::Trainer make_trainer(models::DiT& model, const DiTSettings& run) {
  training::TrainerConfig config = trainer_config(run.train);
  config.class_dropout = run.model.classes > 0 ? run.model.class_dropout : 0;
  config.null_condition = run.model.null_condition();
  return training::Trainer(
      model, [&model](const Tensor& x, const Tensor& time, const Tensor& labels) { return model(x, time, labels); },
      models::make_objective(run.process), make_optimizer(model, run.train), config);
}

/// A grid of samples from fixed noise, one row per class, with the averaged weights.
void draw_grid(const std::string& path, models::DiT& model, training::Trainer& trainer, const DiTSettings& run,
                const std::vector<std::string>& class_names) {
  constexpr int64_t per_class = 8;
  const training::AveragedWeights averaged(trainer);
  nn::set_training(model, false);
  const Tensor images = pipelines::sample_images(model, run.process, run.sampler,
                                                   {.per_class = per_class, .seed = run.train.seed});
  nn::set_training(model, true);
  data::save_grid(path, images, {.columns = per_class, .scale = 2, .row_labels = class_names});
}

int train(int argc, char** argv) {
  DiTSettings run;
  TrainingOptions options("runs/dit");
  bool recompute = false;
  ImageLimits limits;
  std::string cache;
  Settings settings("train_dit", "Trains a class-conditional diffusion transformer on images.");
  describe_options(settings, options);
  settings.options().add("recompute", recompute,
                         "recompute blocks in the backward pass: less memory, more time, the same up to rounding");
  describe_image_memory(settings, limits.memory);
  describe_cache(settings, cache);
  describe(settings, run);
  if (!settings.parse(argc, argv)) return 0;
  if (options.threads > 0) set_num_threads(options.threads);
  settle_without_data(run);
  check_training_outputs(options, settings, {{"--data", run.data.data}}, {{"--cache", cache, true}});
  say_adjustments(settings, run.train);
  RunReporter reporter;
  const training::RunOutputs outputs(options, "samples.png", reporter);

  limits.max_pixels = options.max_pixels;
  if (!cache.empty()) limits.memory = 0;
  std::shared_ptr<const data::DataSource> source =
      read_images(run.data.data, data::Split::train, run.data.images, limits).source;
  if (!cache.empty()) source = cached_images(*source, data::Split::train, cache);
  const data::DataSource& dataset = *source;
  fit_to_data(run, dataset);
  const training::RunIdentity identity{.kind = dit_kind(), .configuration = settings.to_toml(),
                                       .defaults = default_configuration<DiTSettings>(),
                                       .data = training::fingerprint_of(dataset), .train = run.train};
  Generator rng(run.train.seed);
  models::DiT model(run.model, rng);
  model.set_recompute(recompute);
  training::Trainer trainer = make_trainer(model, run);
  data::Cursor start;
  if (const auto state = state_to_resume(options, identity, reporter)) {
    trainer.restore(*state);
    start = {uint64_t(state->epoch), state->position};
    if (start.position > dataset.size()) start = {start.epoch + 1, 0};  // the data set has shrunk
    if (run.train.overfit_one_batch) start = {};
  }

  data::Loader loader(source,
                      {.batch_size = run.train.batch_size, .seed = run.train.seed,
                       .horizontal_flip = run.data.horizontal_flip}, start);
  std::printf("%lld images of %lldx%lldx%lld in %lld classes; %lld parameters; %d threads\n",
              static_cast<long long>(dataset.size()), static_cast<long long>(run.model.height),
              static_cast<long long>(run.model.width), static_cast<long long>(dataset.channels()),
              static_cast<long long>(dataset.num_classes()), static_cast<long long>(nn::parameter_count(model)),
              num_threads());

  const auto labels_of = [&](const data::Batch& batch) { return run.model.classes > 0 ? batch.labels : Tensor{}; };
  const auto next_batch = [&] {
    const data::Batch batch = loader.next();
    return training::TrainingBatch{batch.images(), labels_of(batch), batch.indices, batch.captions};
  };
  const auto held_out = [&] {
    const auto test = read_images(run.data.data, data::Split::test, run.data.images, limits).source;
    std::vector<training::MicroBatch> batches;
    for (const data::Batch& batch : training::held_out_batches(*test, *dataset.native_shape(),
                                                               run.output.validation_samples, run.train.batch_size))
      batches.push_back({batch.images(), labels_of(batch)});
    return batches;
  };
  const auto describe_state = [&](training::TrainState& state) {
    const data::Cursor cursor = loader.cursor();
    state.epoch = int64_t(cursor.epoch);
    state.position = cursor.position;
    pipelines::describe_image_checkpoint(state, run.model, dataset.class_names());
  };
  const auto show = [&](const std::string& path) {
    draw_grid(path, model, trainer, run, dataset.class_names());
    return training::JsonObject();
  };
  return reporter.finish(training::run_training(
      {.trainer = trainer, .outputs = outputs, .run = identity, .output = run.output, .next_batch = next_batch,
       .held_out = held_out, .describe = describe_state, .show = show, .reporter = reporter}));
}

}  // namespace

int main(int argc, char** argv) { return run_main(argc, argv, train); }
