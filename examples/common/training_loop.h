#pragma once
// The loop that all training programs share: steps, metrics, checkpoints, samples, Ctrl-C.
#include <functional>
#include <optional>
#include <string>

#include <ditharos/examples/common/json.h>
#include <ditharos/examples/common/training_settings.h>

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

struct TrainingLoop {
  models::Trainer& trainer;  ///< restored, if the run goes on
  const TrainingOptions& options;
  const OutputSettings& output;
  int64_t steps;              ///< in all
  std::string configuration;  ///< the resolved one, as text; it is written into the run's folder
  /// Makes one step with the next batch.
  std::function<models::StepMetrics()> step;
  /// Adds to a state that the trainer captured what else its checkpoint holds.
  std::function<void(optim::TrainState&)> describe;
  /// The file in the run's folder that samples go to.
  std::string samples;
  /// Writes them to that path and returns what it measured, for metrics.jsonl; it may be nothing.
  std::function<JsonObject(const std::string& path)> show;
};

/// Trains until the last step or until Ctrl-C, and returns the program's exit status: 0, or 128 plus the signal. A
/// checkpoint of where it ended is there in both cases. Every `log_every` steps metrics.jsonl gets a line; the files
/// depend on the configuration alone, whether the run was interrupted and resumed or not.
int run_training(const TrainingLoop& loop);

}  // namespace ditharos::examples
