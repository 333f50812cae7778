#pragma once
// Exponential moving average of a model's parameters.
#include <cstdint>
#include <functional>
#include <unordered_map>
#include <vector>

#include <ditharos/nn/module.h>

namespace ditharos::optim {

class Optimizer;

/// average = d * average + (1 - d) * parameter at each update; buffers are copied, not averaged.
///
/// d = min(decay, (1 + n) / (10 + n)) at update n = 0, 1, ...: a low decay at first removes the random initial values
/// quickly (the rule of TensorFlow's ExponentialMovingAverage).
class Ema {
 public:
  /// Says of each parameter whether this process keeps its average.
  using Kept = std::function<bool(const Tensor& parameter)>;

  /// Starts as a copy of the module's parameters and buffers. decay in [0, 1).
  ///
  /// kept: only the parameters for which it is true have an average here; another process keeps the others. For these,
  /// average_of() is undefined and zeros of their shape stand in state(); load_state() and EmaScope leave them out.
  Ema(nn::ModuleBase& module, double decay, const Kept& kept = {});
  Ema(const Ema&) = delete;
  Ema& operator=(const Ema&) = delete;

  /// Updates the averages with the present parameters. Do not call it when an optimiser's step() gets the Ema, which
  /// does the update itself.
  void update();
  /// The first half of an update by an optimiser, which updates the averages in its own pass: counts the update, copies
  /// the buffers and returns the decay. An optimiser that has not taken part in the last update joins it; one that has
  /// begins the next. So two optimisers, each with a part of the parameters, make one update per step.
  double begin_update(const Optimizer* by);
  /// The average of one parameter; undefined for a tensor that the module does not have, or that is not kept here.
  Tensor average_of(const Tensor& parameter) const;

  /// For each entry of state() the module's tensor that it averages or copies.
  std::vector<Tensor> averaged_tensors() const;

  /// Averages and buffers under the names of the module's state dict; a step changes them.
  const nn::NamedTensors& state() const { return averages_; }
  int64_t updates() const { return updates_; }
  /// Copies such a list and the count. Strict as nn::load_state_dict; nothing changes if it throws.
  void load_state(const nn::NamedTensors& state, int64_t updates);
  /// The checks of load_state alone.
  void check_state(const nn::NamedTensors& state, int64_t updates) const;

 private:
  friend class EmaScope;
  void swap_parameters() noexcept;

  struct Pair {
    Tensor model, average;
  };
  double decay_;
  int64_t updates_ = 0;
  std::vector<const Optimizer*> taken_part_;  // in the last update; only compared
  std::vector<Pair> parameters_, buffers_;    // each tensor once
  nn::NamedTensors averages_;                 // all names; a shared weight has one average under both of its names
  std::vector<Tensor> averaged_;              // [entry of averages_], of the module
  std::vector<bool> kept_;                    // [entry of averages_], false: zeros of stride 0
  std::unordered_map<const TensorImpl*, Tensor> by_parameter_;
};

/// Puts the averages into the module for a scope, for evaluation and sampling, and restores the parameters at its end.
/// Do not train or save within the scope: averages and parameters are exchanged. Scopes of one Ema do not nest.
class EmaScope {
 public:
  explicit EmaScope(Ema& ema) : ema_(ema) { ema_.swap_parameters(); }
  ~EmaScope() { ema_.swap_parameters(); }
  EmaScope(const EmaScope&) = delete;
  EmaScope& operator=(const EmaScope&) = delete;

 private:
  Ema& ema_;
};

}  // namespace ditharos::optim
