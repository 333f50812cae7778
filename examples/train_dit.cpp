// Trains a class-conditional diffusion transformer on pictures.
//
//   train_dit --config examples/configs/quickstart.toml --data my_pictures --out runs/mine
//
// Everything is decided by the configuration; the same one gives the same bytes at any number of threads, whether the
// run was interrupted and resumed or not.
#include <cstdio>
#include <string>

#include <ditharos/data/datasets/open.h>
#include <ditharos/data/image/sheet.h>
#include <ditharos/data/loading/loader.h>
#include <ditharos/nn/module.h>
#include <ditharos/tensor/parallel.h>
#include "examples/common/data_fingerprint.h"
#include "examples/common/dit_checkpoint.h"
#include "examples/common/outputs.h"
#include "examples/common/program.h"
#include "examples/common/resume.h"
#include "examples/common/training_loop.h"

using namespace ditharos;
using namespace ditharos::examples;

namespace {

models::Trainer make_trainer(models::DiT& model, const DiTRun& run) {
  models::TrainerConfig config = trainer_config(run.train);
  config.class_dropout = run.model.classes > 0 ? run.model.class_dropout : 0;
  config.null_condition = run.model.null_condition();
  return models::Trainer(
      model, [&model](const Tensor& x, const Tensor& time, const Tensor& labels) { return model(x, time, labels); },
      models::make_objective(run.process), make_optimizer(model, run.train), config);
}

/// A sheet of samples from fixed noise, one class a row, with the averaged weights.
void draw_sheet(const std::string& path, models::DiT& model, models::Trainer& trainer, const DiTRun& run,
                const std::vector<std::string>& class_names) {
  constexpr int64_t per_class = 8;
  const AveragedWeights averaged(trainer);
  nn::set_training(model, false);
  const Tensor pictures = sample_all(model, run, request_samples(run.model, per_class, run.train.seed), run.train.seed);
  nn::set_training(model, true);
  data::save_sheet(path, pictures, {.columns = per_class, .scale = 2, .row_labels = class_names});
}

int train(int argc, char** argv) {
  DiTRun run;
  TrainingOptions options;
  options.out = "runs/dit";
  bool recompute = false;
  Settings settings("train_dit", "Trains a class-conditional diffusion transformer on pictures.");
  describe_options(settings, options);
  settings.options().add("recompute", recompute,
                         "compute blocks again in the backward pass: less memory, more time, the same up to rounding");
  describe(settings, run);
  if (!settings.parse(argc, argv)) return 0;
  if (options.threads > 0) set_num_threads(options.threads);
  settle_without_data(run);
  check_training_outputs(options, settings, {{"--data", run.data.data}});
  say_adjustments(settings, run.train);
  const RunOutputs outputs(options, "samples.png");

  data::OpenOptions reading;
  reading.image_folder.max_pixels = options.max_pixels;
  const data::Opened opened = data::open_dataset(run.data.data, data::Split::train, reading);
  print_notes(opened.notes);
  const data::Dataset& dataset = opened.dataset;
  fit_to_data(run, dataset);
  const std::string configuration = settings.to_toml();
  Generator rng(run.train.seed);
  models::DiT model(run.model, rng);
  model.set_recompute(recompute);
  models::Trainer trainer = make_trainer(model, run);
  data::Cursor start;
  const std::string fingerprint = fingerprint_of(dataset);
  if (const auto state = state_to_resume(options, {configuration, run.train, fingerprint}, dit_kind())) {
    trainer.restore(*state);
    start = {uint64_t(state->epoch), state->position};
    if (start.position > dataset.size()) start = {start.epoch + 1, 0};  // it was larger when the run was stopped
  }

  data::Loader loader(std::make_shared<data::Dataset>(dataset),
                      {.batch_size = run.train.batch_size, .seed = run.train.seed,
                       .horizontal_flip = run.data.horizontal_flip}, start);
  std::printf("%lld pictures of %lldx%lldx%lld in %lld classes; %lld parameters; %d threads\n",
              static_cast<long long>(dataset.size()), static_cast<long long>(dataset.height()),
              static_cast<long long>(dataset.width()), static_cast<long long>(dataset.channels()),
              static_cast<long long>(dataset.num_classes()), static_cast<long long>(nn::parameter_count(model)),
              num_threads());

  const auto step = [&] {
    const data::Batch batch = loader.next();
    return trainer.step(batch.images(), run.model.classes > 0 ? batch.labels : Tensor{});
  };
  const auto describe_state = [&](optim::TrainState& state) {
    const data::Cursor cursor = loader.cursor();
    state.epoch = int64_t(cursor.epoch);
    state.position = cursor.position;
    describe_checkpoint(state, configuration, run, dataset.class_names());
  };
  const auto show = [&](const std::string& path) {
    draw_sheet(path, model, trainer, run, dataset.class_names());
    return JsonObject();
  };
  return run_training({.trainer = trainer, .outputs = outputs, .output = run.output, .steps = run.train.steps,
                       .configuration = configuration, .data = fingerprint, .step = step, .describe = describe_state,
                       .show = show});
}

}  // namespace

int main(int argc, char** argv) { return run_main(argc, argv, train); }
