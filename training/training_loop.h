#pragma once
// The loop of a training run: steps, metrics, checkpoints, samples, signals.
//
//   training::RunOptions options{.folder = "runs/mine", .resume = "auto"};
//   const training::RunOutputs outputs(options);
//   const training::RunIdentity run{.kind = {"mine", "my model"}, .train = {.steps = 1000}};
//   training::Trainer trainer(model, network, objective, make_optimizer(model, run.train), trainer_config(run.train));
//   data::Cursor start;
//   if (const auto state = state_to_resume(options, run)) {
//     trainer.restore(*state);
//     start = {uint64_t(state->epoch), state->position};
//   }
//   data::Loader loader(dataset, {.batch_size = run.train.batch_size}, start);
//   training::run_training({.trainer = trainer, .outputs = outputs, .run = run,
//                           .next_batch = [&] { return training::TrainingBatch{loader.next().images()}; },
//                           .describe = [&](training::TrainState& state) {
//                             state.epoch = int64_t(loader.cursor().epoch);
//                             state.position = loader.cursor().position;
//                           }});
#include <functional>
#include <string>

#include <ditharos/training/run/json.h>
#include <ditharos/training/run/reporter.h>
#include <ditharos/training/run/resume.h>
#include <ditharos/training/run/run_outputs.h>
#include <ditharos/training/train_settings.h>
#include <ditharos/training/trainer.h>
#include <ditharos/training/training_batch.h>

namespace ditharos::training {

/// The inputs of run_training. Referenced objects must outlive it; the functions are called on the calling thread.
struct TrainingLoop {
  Trainer& trainer;  ///< already restored, if the run is resumed
  const RunOutputs& outputs;
  const RunIdentity& run;
  OutputSettings output = {};
  /// The next batch of data. A step takes TrainSettings::accumulate of them.
  std::function<TrainingBatch()> next_batch;
  /// Held-out data for validations, called once, before the first step. Needed unless validate_every is 0.
  std::function<std::vector<MicroBatch>()> held_out = {};
  /// Completes a state that the trainer captured before it is saved, for example with the position in the data.
  std::function<void(TrainState&)> describe = {};
  /// Writes samples to the path and returns measurements for metrics.jsonl, which may be empty. Needs a file of samples
  /// among the outputs.
  std::function<JsonObject(const std::string& path)> show = {};
  Reporter& reporter = silent();
  bool catch_signals = true;  ///< false: the program's own signal handlers stay, and signals do not stop the loop
};

/// How a run ended.
struct TrainingResult {
  int64_t steps = 0;  ///< of the run so far, those before a resume included
  int signal = 0;     ///< the signal that ended the run early; 0: none
  /// The files that were written; empty: none.
  std::string checkpoint = {}, metrics = {}, samples = {}, trace = {}, report = {};
};

/// Trains until the last step or until a signal (see Interrupt), and saves a checkpoint in both cases. Samples are
/// drawn after the checkpoint of their step is saved: nothing is lost when sampling fails or is stopped by a signal,
/// and a run that is resumed at this step draws them first. metrics.jsonl gets a line every `log_every` steps. The
/// contents of the files do not depend on whether the run was interrupted and resumed. Its lines have:
///
///   loss, grad_norm, lr, loss_bins   of a step; loss_bins: mean losses since the last such line (LossByTime)
///   val_loss, val_loss_bins          Trainer::validate(), every OutputSettings::validate_every steps and at the end
///   skipped, reason                  the number of steps left out so far, this one included
///   rolled_back, from_step, reason   how often the run went back to an earlier checkpoint, and from which step
///   others                           what `show` returned
///
/// Before the first step it checks the free space of the disk: ConfigError. A step that is not finite throws
/// NotFiniteError, or is handled as TrainSettings::on_not_finite says; the batches of the first 100 such steps are in
/// not_finite/ (save_batch). Outputs that write nothing: reports what a run would be and returns.
TrainingResult run_training(const TrainingLoop& loop);

}  // namespace ditharos::training
