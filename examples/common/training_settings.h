#pragma once
// What the configurations of all training programs have in common, and the options of their command lines.
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include <ditharos/data/codecs/pixel_limit.h>
#include <ditharos/optim/schedule.h>
#include <ditharos/training/trainer.h>
#include "examples/common/settings.h"

namespace ditharos::examples {

enum class OptimizerKind {
  adamw,
  muon  ///< for the matrices of the blocks; AdamW for all else
};

/// [train]: the optimiser and how long it works.
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

/// [output]: what is written on the way.
struct OutputSettings {
  int64_t sample_every = 500, checkpoint_every = 500, log_every = 10, keep_checkpoints = 2;
};

/// The command line alone.
struct TrainingOptions {
  std::string out, resume = "none", profile;
  bool accept_changed_data = false;
  int threads = 0;
  int64_t max_pixels = data::default_max_pixels;
};

/// Rows of the table; what they describe must outlive the settings. `batch` says what batch_size counts.
void describe_training(Settings& settings, TrainSettings& train, const std::string& batch);
void describe_output(Settings& settings, OutputSettings& output);
void describe_options(Settings& settings, TrainingOptions& options);
/// The row --max-pixels of every program that reads images or clips.
void describe_max_pixels(Settings& settings, int64_t& max_pixels);

/// ConfigError unless the learning rates fit together.
void check_schedule(const TrainSettings& train);
/// Steps of warm-up: those that were asked for, or a tenth of all steps where a schedule would have nothing left.
int64_t warmup_steps(const TrainSettings& train);
/// Prints what a training program makes of its settings that is not as they say: a shorter warm-up, flags without
/// effect.
void say_adjustments(const Settings& settings, const TrainSettings& train);
/// Seed, clipping, average and schedule; what is dropped from conditions is the caller's.
models::TrainerConfig trainer_config(const TrainSettings& train);
/// The optimiser of all parameters of the model.
std::unique_ptr<optim::Optimizer> make_optimizer(nn::ModuleBase& model, const TrainSettings& train);

}  // namespace ditharos::examples
