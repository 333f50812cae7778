// Trains a class-conditional diffusion transformer on pictures.
//
//   train_dit --config examples/configs/quickstart.toml --data my_pictures --out runs/mine
//
// Everything is decided by the configuration; the same one gives the same bytes at any number of threads, whether the
// run was interrupted and resumed or not.
#include <cstdio>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>

#include <ditharos/data/loader.h>
#include <ditharos/data/open.h>
#include <ditharos/data/sheet.h>
#include <ditharos/examples/common/dit_checkpoint.h>
#include <ditharos/examples/common/interrupt.h>
#include <ditharos/examples/common/program.h>
#include <ditharos/examples/common/progress.h>
#include <ditharos/examples/common/run_folder.h>
#include <ditharos/examples/common/step_log.h>
#include <ditharos/examples/common/step_profile.h>
#include <ditharos/models/diffusion/trainer.h>
#include <ditharos/nn/module.h>
#include <ditharos/optim/adam.h>
#include <ditharos/tensor/parallel.h>

using namespace ditharos;
using namespace ditharos::examples;

namespace {

struct Options {
  std::string out = "runs/dit", resume = "none", profile;
  int threads = 0;
  bool recompute = false;
};

models::Trainer make_trainer(models::DiT& model, const DiTRun& run) {
  const DiTRun::Train& t = run.train;
  models::TrainerConfig config;
  config.seed = t.seed;
  config.class_dropout = run.model.classes > 0 ? run.model.class_dropout : 0;
  config.null_label = run.model.null_label();
  config.clip_norm = t.clip;
  config.ema_decay = t.ema_decay;
  config.schedule = {.lr = t.learning_rate, .warmup_steps = t.warmup, .decay = t.schedule, .total_steps = t.steps,
                     .final_fraction = t.final_learning_rate / t.learning_rate};
  const optim::AdamOptions adam{.beta1 = t.betas[0], .beta2 = t.betas[1], .weight_decay = t.weight_decay};
  return models::Trainer(
      model, [&model](const Tensor& x, const Tensor& time, const Tensor& labels) { return model(x, time, labels); },
      models::make_objective(run.process), std::make_unique<optim::AdamW>(nn::named_parameters(model), adam), config);
}

/// A run begins in a folder without checkpoints: an old run's later ones would be taken for its own.
void refuse_foreign_checkpoints(const Options& options) {
  const std::filesystem::path folder = std::filesystem::path(options.out) / checkpoint_folder;
  const bool goes_on = options.resume == "auto" || std::filesystem::path(options.resume) == options.out;
  check<ConfigError>(goes_on || !std::filesystem::exists(folder) || std::filesystem::is_empty(folder), "\"",
                     options.out, "\" already holds checkpoints of a run; --resume auto goes on with it, another --out "
                     "begins beside it");
}

/// The checkpoint to go on from, if one is asked for and there is one. Says so.
std::optional<optim::TrainState> state_to_resume(const Options& options, const std::string& configuration) {
  if (options.resume == "none") return std::nullopt;
  const bool automatic = options.resume == "auto";
  if (automatic && !std::filesystem::exists(options.out)) return std::nullopt;
  optim::LatestCheckpoint found = open_checkpoint(automatic ? options.out : options.resume);
  for (const std::string& reason : found.rejected) std::printf("passing over: %s\n", reason.c_str());
  check<IoError>(automatic || found.state.has_value(), "there is no usable checkpoint in \"", options.resume, "\"");
  if (!found.state) return std::nullopt;
  check_same_run(found.path, *found.state, configuration);
  std::printf("going on from %s\n", found.path.c_str());
  return std::move(found.state);
}

/// A sheet of samples from fixed noise, one class a row, with the averaged weights.
void draw_sheet(const std::string& path, models::DiT& model, models::Trainer& trainer, const DiTRun& run,
                const std::vector<std::string>& class_names) {
  constexpr int64_t per_class = 8;
  const optim::EmaScope averaged(*trainer.ema());
  nn::set_training(model, false);
  const Tensor pictures = sample_all(model, run, request_samples(run.model, per_class, run.train.seed), run.train.seed);
  nn::set_training(model, true);
  data::save_sheet(path, pictures, {.columns = per_class, .scale = 2, .row_labels = class_names});
}

int train(int argc, char** argv) {
  DiTRun run;
  Options options;
  Settings settings("train_dit", "Trains a class-conditional diffusion transformer on pictures.");
  settings.options()
      .add("out", options.out, "folder for checkpoints, sample sheets and metrics")
      .add("resume", options.resume, "\"none\" begins anew, \"auto\" goes on from the newest checkpoint in --out if "
                                     "there is one, else the checkpoint or run folder to go on from")
      .add("threads", options.threads, "0: as many as there are cores. Results do not depend on it", at_least(0))
      .add("profile", options.profile, "file for a Chrome trace of a few steps, which are printed as a table as well")
      .add("recompute", options.recompute,
           "compute blocks again in the backward pass: less memory, more time, the same up to rounding");
  describe(settings, run);
  if (!settings.parse(argc, argv)) return 0;
  if (options.threads > 0) set_num_threads(options.threads);

  const data::Dataset dataset = data::open_dataset(run.data.data, data::Split::train).dataset;
  fit_to_data(run, dataset);
  refuse_foreign_checkpoints(options);
  const std::string configuration = settings.to_toml();
  Generator rng(run.train.seed);
  models::DiT model(run.model, rng);
  model.set_recompute(options.recompute);
  models::Trainer trainer = make_trainer(model, run);
  data::Cursor start;
  if (const auto state = state_to_resume(options, configuration)) {
    trainer.restore(*state);
    start = {uint64_t(state->epoch), state->position};
  }

  const RunFolder folder(options.out);
  folder.write_text("config.toml", configuration);
  optim::CheckpointFolder checkpoints(folder.file(checkpoint_folder), int(run.output.keep_checkpoints));
  StepLog metrics(folder.file("metrics.jsonl"), trainer.steps() > 0 ? trainer.steps() : -1);
  data::Loader loader(dataset, {.batch_size = run.train.batch_size, .seed = run.train.seed,
                                .horizontal_flip = run.data.horizontal_flip}, start);
  std::printf("%lld pictures of %lldx%lldx%lld in %lld classes; %lld parameters; %d threads\n",
              static_cast<long long>(dataset.size()), static_cast<long long>(dataset.height()),
              static_cast<long long>(dataset.width()), static_cast<long long>(dataset.channels()),
              static_cast<long long>(dataset.num_classes()), static_cast<long long>(nn::parameter_count(model)),
              num_threads());

  const auto save = [&] {
    optim::TrainState state;
    trainer.capture(state);
    const data::Cursor cursor = loader.cursor();
    state.epoch = int64_t(cursor.epoch);
    state.position = cursor.position;
    describe_checkpoint(state, configuration, run, dataset.class_names());
    metrics.sync();
    return checkpoints.save(state);
  };
  const auto due = [&](int64_t every) { return every > 0 && trainer.steps() % every == 0; };
  const auto sheet = [&] { draw_sheet(folder.file("samples.png"), model, trainer, run, dataset.class_names()); };

  const Interrupt interrupt;
  Progress progress(trainer.steps(), run.train.steps);
  StepProfile profile(options.profile);
  bool saved = trainer.steps() > 0;
  while (trainer.steps() < run.train.steps && !interrupt.requested()) {
    profile.next_step();
    const data::Batch batch = loader.next();
    const models::StepMetrics m = trainer.step(batch.images, run.model.classes > 0 ? batch.labels : Tensor{});
    saved = false;
    progress.update(trainer.steps(), {{"loss", m.loss}, {"grad", m.grad_norm}, {"lr", m.lr}});
    if (due(run.output.log_every))
      metrics.append(trainer.steps(), JsonObject().add("loss", m.loss).add("grad_norm", m.grad_norm).add("lr", m.lr));
    if (due(run.output.checkpoint_every)) save(), saved = true;
    if (due(run.output.sample_every) && trainer.steps() < run.train.steps) sheet();
  }
  progress.finish();
  profile.report();
  if (!saved) save();
  const std::string newest = checkpoints.path_of(trainer.steps());
  if (interrupt.requested()) {
    std::printf("interrupted after step %lld; saved %s; --resume auto goes on from there\n",
                static_cast<long long>(trainer.steps()), newest.c_str());
    return 128 + interrupt.signal();
  }
  sheet();
  std::printf("samples:    %s\ncheckpoint: %s\nmetrics:    %s\n", folder.file("samples.png").c_str(), newest.c_str(),
              folder.file("metrics.jsonl").c_str());
  return 0;
}

}  // namespace

int main(int argc, char** argv) { return run_main(argc, argv, train); }
