#pragma once
// The settings that all training runs have in common, and the optimiser and the trainer's configuration that follow.
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
  muon  ///< for the matrices of the blocks; AdamW for all else
};

/// The optimiser and how long it works.
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

/// What is written on the way.
struct OutputSettings {
  int64_t sample_every = 500, checkpoint_every = 500;  ///< steps; 0: only at the end
  int64_t log_every = 10;                              ///< steps between lines of metrics.jsonl; 0: none
  int64_t keep_checkpoints = 2;                        ///< at least 1
};

/// ConfigError unless the learning rates fit together.
void check_schedule(const TrainSettings& train);
/// Steps of warm-up: those that were asked for, or a tenth of all steps where a schedule would have nothing left.
[[nodiscard]] int64_t warmup_steps(const TrainSettings& train);
/// Seed, clipping, average and schedule; what is dropped from conditions is the caller's.
[[nodiscard]] TrainerConfig trainer_config(const TrainSettings& train);
/// The optimiser of all parameters of the model.
[[nodiscard]] std::unique_ptr<optim::Optimizer> make_optimizer(nn::ModuleBase& model, const TrainSettings& train);

}  // namespace ditharos::training
