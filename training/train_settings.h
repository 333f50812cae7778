#pragma once
// The settings that all training runs have in common, and the optimiser and trainer configuration for them.
#include <cstdint>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include <ditharos/autograd/autocast.h>
#include <ditharos/nn/module.h>
#include <ditharos/optim/optimizer.h>
#include <ditharos/optim/schedule.h>
#include <ditharos/training/trainer.h>

namespace ditharos::training {

enum class OptimizerKind {
  adamw,
  muon  ///< for the matrices of the blocks; AdamW for all other parameters
};

/// What happens to a step whose loss, gradient or weights are not finite.
enum class OnNotFinite {
  stop,      ///< the run ends with an error
  skip,      ///< the step's update is left out
  roll_back  ///< the last checkpoint is restored, and training goes on with the data after the step's
};

/// The settings of the optimiser and of the loop.
struct TrainSettings {
  OptimizerKind optimizer = OptimizerKind::adamw;
  int64_t steps = 2000, batch_size = 64;
  int64_t accumulate = 1;       ///< batches whose gradients a step averages
  int64_t gradient_shards = 1;  ///< TrainerConfig::gradient_shards
  double learning_rate = 1e-3, final_learning_rate = 0, weight_decay = 0;
  std::vector<double> betas = {.9, .99};
  double clip = 1;
  /// Decays of moving averages of the weights. The first one's are for samples and validation; 0: none.
  std::vector<double> ema_decay = {.995};
  int64_t warmup = 100;
  optim::Decay schedule = optim::Decay::linear;
  uint64_t seed = 0;
  Precision precision = Precision::f32;  ///< of products
  OnNotFinite on_not_finite = OnNotFinite::stop;
  int64_t most_not_finite = 5;     ///< skip: in succession; roll_back: in a run. The next one stops the run
  bool overfit_one_batch = false;  ///< every step has the data of the first: a check that a model can learn
};

/// The settings of the output.
struct OutputSettings {
  int64_t sample_every = 500, checkpoint_every = 500;  ///< steps; 0: only at the end
  int64_t log_every = 10;                              ///< steps between lines of metrics.jsonl; 0: none
  int64_t keep_checkpoints = 2;                        ///< the last ones; at least 1
  int64_t keep_best = 0;                               ///< and as many of the lowest validation loss
  int64_t keep_every = 0;                              ///< and those of multiples of this step; 0: none
  int64_t validate_every = 0;                          ///< steps between validations on held-out data; 0: none
  int64_t validation_samples = 64;                     ///< the most samples of a validation
  bool tensorboard = true;                             ///< write events for TensorBoard
};

/// ConfigError unless the learning rates fit together.
void check_schedule(const TrainSettings& train);
/// ConfigError unless the settings of the output fit together.
void check_output(const OutputSettings& output);
/// Names of the settings that may differ between a run and its continuation: of the schedule, of the precision and of
/// what happens to numbers that are not finite. What decides a step's data, randomness and state must not.
[[nodiscard]] const std::set<std::string>& changeable_settings();
/// Steps of warm-up: the setting, or a tenth of all steps where the warm-up would leave none for the schedule.
[[nodiscard]] int64_t warmup_steps(const TrainSettings& train);
/// Seed, clipping, average and schedule. The caller sets the dropout of conditions.
[[nodiscard]] TrainerConfig trainer_config(const TrainSettings& train);
/// The optimiser of all parameters of the model.
[[nodiscard]] std::unique_ptr<optim::Optimizer> make_optimizer(nn::ModuleBase& model, const TrainSettings& train);

}  // namespace ditharos::training
