#pragma once
// The settings that all training runs have in common, and the optimiser and trainer configuration for them.
#include <cstdint>
#include <memory>
#include <vector>

#include <ditharos/nn/module.h>
#include <ditharos/optim/optimizer.h>
#include <ditharos/optim/schedule.h>
#include <ditharos/training/trainer.h>

namespace ditharos::training {

enum class OptimizerKind {
  adamw,
  muon  ///< for the matrices of the blocks; AdamW for all other parameters
};

/// The settings of the optimiser and of the loop.
struct TrainSettings {
  OptimizerKind optimizer = OptimizerKind::adamw;
  int64_t steps = 2000, batch_size = 64;
  double learning_rate = 1e-3, final_learning_rate = 0, weight_decay = 0;
  std::vector<double> betas = {.9, .99};
  double clip = 1, ema_decay = .995;
  int64_t warmup = 100;
  optim::Decay schedule = optim::Decay::linear;
  uint64_t seed = 0;
};

/// The settings of the output.
struct OutputSettings {
  int64_t sample_every = 500, checkpoint_every = 500;  ///< steps; 0: only at the end
  int64_t log_every = 10;                              ///< steps between lines of metrics.jsonl; 0: none
  int64_t keep_checkpoints = 2;                        ///< at least 1
  bool tensorboard = true;                             ///< write events for TensorBoard
};

/// ConfigError unless the learning rates fit together.
void check_schedule(const TrainSettings& train);
/// Steps of warm-up: the setting, or a tenth of all steps where the warm-up would leave none for the schedule.
[[nodiscard]] int64_t warmup_steps(const TrainSettings& train);
/// Seed, clipping, average and schedule. The caller sets the dropout of conditions.
[[nodiscard]] TrainerConfig trainer_config(const TrainSettings& train);
/// The optimiser of all parameters of the model.
[[nodiscard]] std::unique_ptr<optim::Optimizer> make_optimizer(nn::ModuleBase& model, const TrainSettings& train);

}  // namespace ditharos::training
