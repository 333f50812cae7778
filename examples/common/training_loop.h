#pragma once
// The loop that all training programs share: steps, metrics, checkpoints, samples, signals.
#include <functional>
#include <optional>
#include <string>

#include "examples/common/json.h"
#include "examples/common/run_folder.h"
#include "examples/common/training_settings.h"

namespace ditharos::examples {

/// Puts the trainer's moving average into its model for a scope; nothing for a trainer without one.
class AveragedWeights {
 public:
  explicit AveragedWeights(models::Trainer& trainer) {
    if (trainer.ema() != nullptr) scope_.emplace(*trainer.ema());
  }

 private:
  std::optional<optim::EmaScope> scope_;
};

/// All that a run writes to, held and tried before its first step: make one before a checkpoint is read.
class RunOutputs {
 public:
  /// Locks the folder `options.out`, then makes sure that it holds no checkpoints of another run and that
  /// configuration, samples, checkpoints and profile can be written. `samples` is the file in the folder that samples
  /// go to. IoError or ConfigError naming the path that cannot be; nothing has changed then.
  RunOutputs(const TrainingOptions& options, const std::string& samples);

  const RunFolder& folder() const { return folder_; }
  const std::string& samples() const { return samples_; }  ///< a path
  const std::string& profile() const { return profile_; }  ///< a path; empty: none

 private:
  RunLock lock_;
  RunFolder folder_;
  std::string samples_, profile_;
};

struct TrainingLoop {
  models::Trainer& trainer;  ///< restored, if the run goes on
  const RunOutputs& outputs;
  const OutputSettings& output;
  int64_t steps;              ///< in all
  std::string configuration;  ///< the resolved one, as text; it is written into the run's folder
  std::string data;           ///< fingerprint_of() what it learns from; goes into its checkpoints
  /// Makes one step with the next batch.
  std::function<models::StepMetrics()> step;
  /// Adds to a state that the trainer captured what else its checkpoint holds.
  std::function<void(optim::TrainState&)> describe;
  /// Writes samples to the path and returns what it measured, for metrics.jsonl; it may be nothing.
  std::function<JsonObject(const std::string& path)> show;
};

/// Trains until the last step or until a signal (see Interrupt), and returns the program's exit status: 0, or 128 plus
/// the signal. A checkpoint of where it ended is there in both cases. Samples are drawn only after the checkpoint of
/// their step is saved, so drawing them can fail, or be stopped by a signal, and nothing is lost; a run that is resumed
/// there draws them first. Every `log_every` steps metrics.jsonl gets a line; the files depend on the configuration
/// alone, whether the run was interrupted and resumed or not.
int run_training(const TrainingLoop& loop);

}  // namespace ditharos::examples
