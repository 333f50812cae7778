#pragma once
// One step of training: an update of the weights from one batch.
#include <array>
#include <functional>
#include <memory>
#include <optional>

#include <ditharos/models/diffusion/objective.h>
#include <ditharos/nn/module.h>
#include <ditharos/optim/ema.h>
#include <ditharos/optim/optimizer.h>
#include <ditharos/optim/schedule.h>
#include <ditharos/training/checkpoint/checkpoint.h>

namespace ditharos::training {

struct TrainerConfig {
  uint64_t seed = 0;
  double class_dropout = 0;  ///< share of conditions that null_condition replaces, drawn anew for every sample
  /// The null condition: i64, of the shape of one sample's condition, {} for a label and [L] for a prompt. Needed when
  /// class_dropout is not 0 and steps have conditions.
  Tensor null_condition = {};
  double clip_norm = 0;  ///< largest global norm of the gradients; 0: no clipping
  double ema_decay = 0;  ///< highest decay of the weights' moving average; 0: no average
  optim::Schedule schedule = {};
};

/// Sums of losses by timestep: equal bins of the progress from noise (0) to data (1).
struct LossByTime {
  static constexpr int bins = 8;
  std::array<double, bins> sum{};
  std::array<int64_t, bins> samples{};
};

struct StepMetrics {
  double loss;
  double grad_norm;  ///< before clipping
  double lr;
  LossByTime loss_by_time;
};

/// Trains the parameters of `model`. The randomness of step k depends only on (seed, k), so a run that is restored at
/// step k continues with the same results as one that never stopped.
class Trainer {
 public:
  /// `network` computes with the parameters of `model`, which must outlive the trainer, as must what `network` refers
  /// to. `optimizer` holds the parameters to train. ConfigError when a setting is out of range.
  Trainer(nn::ModuleBase& model, models::Network network, std::shared_ptr<const models::Objective> objective,
          std::unique_ptr<optim::Optimizer> optimizer, const TrainerConfig& config);

  /// Loss of the batch (data [B, ...]; conditions i64 [B, ...], undefined for a model without any), its gradient,
  /// clipping, and the update of weights and average. The first step checks that the model lists every parameter that
  /// the loss trains. Throws Error, and has changed nothing, when the loss or a gradient is not finite, or when the
  /// gradient's squares, which Adam averages, would overflow. The message names the cause: a parameter, the data, or
  /// the operation and the module whose result overflowed.
  StepMetrics step(const Tensor& data, const Tensor& conditions = {});

  /// The number of updates, those before a restore included.
  int64_t steps() const { return steps_; }
  /// The moving average for EmaScope, or null.
  optim::Ema* ema() { return ema_ ? &*ema_ : nullptr; }

  /// Fills in weights, average, optimiser, step and random stream. The tensors are handles: save before the next step.
  void capture(TrainState& state);
  /// The inverse. Throws, and has changed nothing, when the state is of another model or of another seed.
  void restore(const TrainState& state);

 private:
  Tensor drop_conditions(const Tensor& conditions, Generator rng) const;
  [[noreturn]] void explain_bad_loss(double loss, const Tensor& data, const std::function<void()>& forward);
  void check_gradient_size(double norm) const;

  nn::ModuleBase& model_;
  models::Network network_;
  std::shared_ptr<const models::Objective> objective_;
  std::unique_ptr<optim::Optimizer> optimizer_;
  std::optional<optim::Ema> ema_;
  TrainerConfig config_;
  int64_t steps_ = 0;
  bool audited_ = false;
};

/// Puts the trainer's moving average into its model for a scope; nothing for a trainer without one.
class AveragedWeights {
 public:
  explicit AveragedWeights(Trainer& trainer) {
    if (trainer.ema() != nullptr) scope_.emplace(*trainer.ema());
  }

 private:
  std::optional<optim::EmaScope> scope_;
};

}  // namespace ditharos::training
