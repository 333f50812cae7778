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
//                           .step = [&] { return trainer.step(loader.next().images); },
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

namespace ditharos::training {

/// The inputs of run_training. Referenced objects must outlive it; the functions are called on the calling thread.
struct TrainingLoop {
  Trainer& trainer;  ///< already restored, if the run is resumed
  const RunOutputs& outputs;
  const RunIdentity& run;
  OutputSettings output = {};
  /// One training step with the next batch.
  std::function<StepMetrics()> step;
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
  std::string checkpoint, metrics, samples, trace, report;  ///< the files that were written; empty: none
};

/// Trains until the last step or until a signal (see Interrupt), and saves a checkpoint in both cases. Samples are
/// drawn after the checkpoint of their step is saved: nothing is lost when sampling fails or is stopped by a signal,
/// and a run that is resumed at this step draws them first. metrics.jsonl gets a line every `log_every` steps. The
/// contents of the files do not depend on whether the run was interrupted and resumed.
TrainingResult run_training(const TrainingLoop& loop);

}  // namespace ditharos::training
