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

/// What the loop works with. What is referred to must outlive it; the functions are called on the calling thread.
struct TrainingLoop {
  Trainer& trainer;  ///< restored, if the run goes on
  const RunOutputs& outputs;
  const RunIdentity& run;
  OutputSettings output = {};
  /// Makes one step with the next batch.
  std::function<StepMetrics()> step;
  /// Adds to a state that the trainer captured what else its checkpoint holds: where the data stand, for one.
  std::function<void(TrainState&)> describe = {};
  /// Writes samples to the path and returns what it measured, for metrics.jsonl; it may be nothing. Needs a file of
  /// samples among the outputs.
  std::function<JsonObject(const std::string& path)> show = {};
  Reporter& reporter = silent();
  bool catch_signals = true;  ///< false: signals do what the program makes of them, and the loop does not listen
};

/// How a run ended.
struct TrainingResult {
  int64_t steps = 0;  ///< made in all
  int signal = 0;     ///< that ended the run early; 0: none
  std::string checkpoint, metrics, samples, trace;  ///< the files that were written; empty: none
};

/// Trains until the last step or until a signal (see Interrupt). A checkpoint of where it ended is there in both cases.
/// Samples are drawn only after the checkpoint of their step is saved, so drawing them can fail, or be stopped by a
/// signal, and nothing is lost; a run that is resumed there draws them first. Every `log_every` steps metrics.jsonl
/// gets a line; the files depend on the configuration alone, whether the run was interrupted and resumed or not.
TrainingResult run_training(const TrainingLoop& loop);

}  // namespace ditharos::training
