#pragma once
// One step of training: an update of the weights from one batch, or from several.
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <ditharos/models/diffusion/objective.h>
#include <ditharos/nn/module.h>
#include <ditharos/optim/clip.h>
#include <ditharos/optim/ema.h>
#include <ditharos/optim/optimizer.h>
#include <ditharos/optim/schedule.h>
#include <ditharos/training/checkpoint/checkpoint.h>
#include <ditharos/training/distributed/communicator.h>
#include <ditharos/training/distributed/gradient_exchange.h>
#include <ditharos/training/not_finite.h>
#include <ditharos/training/run_counts.h>

namespace ditharos::training {

struct StepPart;
struct StepSummary;

struct TrainerConfig {
  uint64_t seed = 0;
  double class_dropout = 0;  ///< share of conditions that null_condition replaces, drawn anew for every sample
  /// The null condition: i64, of the shape of one sample's condition, {} for a label and [L] for a prompt. Needed when
  /// class_dropout is not 0 and steps have conditions.
  Tensor null_condition = {};
  /// Of the products of forward and backward pass: bf16 (Autocast), or f32 outside of an Autocast of the caller.
  DType precision = DType::f32;
  double clip_norm = 0;                      ///< largest global norm of the gradients; 0: no clipping
  double ema_decay = 0;                      ///< highest decay of the weights' moving average; 0: no average
  std::vector<double> more_ema_decays = {};  ///< of further averages, which are only saved; above 0
  optim::Schedule schedule = {};
  /// Parts of a step's samples whose gradients are computed one by one and added along a fixed tree: a power of two.
  /// Results depend on it, and not on the number of ranks that share the parts.
  int64_t gradient_shards = 1;
  Communicator* ranks = nullptr;  ///< that train together, a power of two; null: this process alone
};

/// Samples of a step that pass through the network together. With several ranks, those of this rank's shards
/// (ShardLayout::own_rows), or all.
struct MicroBatch {
  Tensor data;             ///< [B, ...]
  Tensor conditions = {};  ///< i64 [B, ...]; undefined for a model without any
  int64_t first = 0;       ///< the index of the first sample in the batch of all ranks
  int64_t total = 0;       ///< the samples of that batch; 0: these are all

  int64_t samples() const { return total > 0 ? total : data.size(0); }
};

struct StepMetrics {
  double loss;
  double grad_norm;  ///< before clipping
  double lr;
  LossByTime loss_by_time;
};

/// Trains the parameters of `model`. The randomness of step k depends only on (seed, k), so a run that is restored at
/// step k continues with the same results as one that never stopped. That includes what modules draw from
/// default_generator(), such as dropout, which is a generator of the step in the network's forward pass.
///
/// With several ranks every one of them makes the same calls. They divide the shards of a step among them, and each
/// keeps the optimiser's state and the averages of a part of the parameters. Times and noise of a sample depend on its
/// index in the batch, so weights, metrics and states have the same bits as with one rank.
class Trainer {
 public:
  /// `network` computes with the parameters of `model`, which must outlive the trainer, as must what `network` refers
  /// to. `optimizer` holds the parameters to train. ConfigError when a setting is out of range.
  Trainer(nn::ModuleBase& model, models::Network network, std::shared_ptr<const models::Objective> objective,
          std::unique_ptr<optim::Optimizer> optimizer, const TrainerConfig& config);

  /// Loss of the batch (data [B, ...]; conditions i64 [B, ...], undefined for a model without any), its gradient,
  /// clipping, and the update of weights and average. The first step checks that the model lists every parameter that
  /// the loss trains. Throws NotFiniteError, and has changed nothing, when the loss or a gradient is not finite, or
  /// when the gradient's squares, which Adam averages, would overflow. The message names the cause: a parameter, the
  /// data, or the operation and the module whose result overflowed.
  StepMetrics step(const Tensor& data, const Tensor& conditions = {}) {
    return step(std::vector<MicroBatch>{MicroBatch{data, conditions}});
  }
  /// The same for a batch in parts, whose gradients are accumulated: loss and gradient are the mean over the samples of
  /// all parts, and memory is needed for the activations of one. The randomness of part j of step k depends only on
  /// (seed, k, j).
  StepMetrics step(const std::vector<MicroBatch>& batches);
  /// Counts a step without an update: the next one has its own randomness, learning rate and data.
  void skip_step();

  /// The loss of held-out batches with the averaged weights: each sample once at the centre of each bin of progress, or
  /// once where the objective has no times. All randomness depends on the seed alone, so that the losses of two steps
  /// can be compared. An autoencoder's loss is without the divergence of its latents.
  [[nodiscard]] LossByTime validate(const std::vector<MicroBatch>& batches);
  /// A table of the model's modules with their results, parameters, multiply-adds and saved bytes in the forward pass
  /// of this batch (nn::summary).
  [[nodiscard]] std::string summary(const MicroBatch& batch);

  /// Left out steps and the losses by timestep since the last take_losses().
  const RunCounts& counts() const { return counts_; }
  [[nodiscard]] LossByTime take_losses();
  /// Whether samples have a time between noise and data.
  bool has_times() const { return objective_->has_times(); }

  /// The number of steps, those before a restore included.
  int64_t steps() const { return steps_; }
  /// The moving average for EmaScope, or null.
  optim::Ema* ema() { return ema_ ? &*ema_ : nullptr; }

  /// Fills in weights, average, optimiser, step and random stream. The tensors are handles: save before the next step.
  /// Collective: with several ranks, the state is complete on rank 0.
  void capture(TrainState& state);
  /// The same with zeros in place of what other ranks keep, for its names and sizes. Not collective.
  void outline(TrainState& state);
  /// The inverse. Throws, and has changed nothing, when the state is of another model or of another seed.
  void restore(const TrainState& state);
  /// restore(), and counts that a run went back to this state.
  void roll_back(const TrainState& state);

  Communicator& ranks() const { return ranks_; }
  const ShardLayout& layout() const { return layout_; }
  const ExchangeCost& communication() const { return exchange_.cost(); }

 private:
  friend class AveragedWeights;
  models::Loss loss_of(const MicroBatch& batch, Generator rng) const;
  StepSummary run_shards(const std::vector<MicroBatch>& batches);
  void run_shard(const std::vector<MicroBatch>& batches, int64_t shard, std::vector<StepPart>& parts);
  StepPart accumulate(const MicroBatch& batch, const Generator& rng, double share, const std::string& where);
  [[nodiscard]] optim::Ema::Kept keep_own_state();
  std::vector<int> keepers_of(const std::vector<Tensor>& tensors) const;
  optim::ClipFactor gradient_factor(const std::vector<double>& squares) const;
  Tensor drop_conditions(const Tensor& conditions, Generator rng) const;
  [[noreturn]] void explain_bad_loss(double loss, const MicroBatch& batch, const Generator& rng,
                                     const std::string& where);
  void check_gradient_size(double norm, const std::vector<double>& squares) const;

  nn::ModuleBase& model_;
  models::Network network_;
  std::shared_ptr<const models::Objective> objective_;
  std::unique_ptr<optim::Optimizer> optimizer_;
  std::optional<optim::Ema> ema_;
  std::vector<std::unique_ptr<optim::Ema>> more_emas_;
  TrainerConfig config_;
  SingleProcess alone_;
  Communicator& ranks_;
  ShardLayout layout_;
  GradientExchange exchange_;
  int64_t steps_ = 0;
  RunCounts counts_;
  bool audited_ = false;
};

/// Puts the trainer's moving average into its model for a scope; nothing for a trainer without one. Collective, at both
/// ends.
class AveragedWeights {
 public:
  explicit AveragedWeights(Trainer& trainer);
  ~AveragedWeights();
  AveragedWeights(const AveragedWeights&) = delete;
  AveragedWeights& operator=(const AveragedWeights&) = delete;

 private:
  Trainer& trainer_;
  std::optional<optim::EmaScope> scope_;
  int exceptions_;  // in flight when the scope began
};

}  // namespace ditharos::training
