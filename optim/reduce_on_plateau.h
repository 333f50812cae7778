#pragma once
// A learning rate that falls when a metric stops to improve.
#include <cstdint>

namespace ditharos::optim {

struct PlateauOptions {
  double lr = 1e-3;         ///< at first
  bool maximize = false;    ///< whether larger metrics are better (mode="max")
  double factor = .1;       ///< of each fall, below 1
  int64_t patience = 10;    ///< metrics in succession without an improvement that are borne
  double threshold = 1e-4;  ///< the least improvement that counts
  bool absolute = false;    ///< the threshold is a difference (threshold_mode="abs"), and no part of the best metric
  int64_t cooldown = 0;     ///< metrics after a fall that do not count
  double min_lr = 0;
  double eps = 1e-8;  ///< a smaller fall is left out
};

/// What ReduceOnPlateau remembers, for a checkpoint.
struct PlateauState {
  double lr = 0, best = 0;
  int64_t bad = 0, cooldown = 0;  ///< metrics without improvement, and those of the cooldown that are left
  friend bool operator==(const PlateauState&, const PlateauState&) = default;
};

/// torch's ReduceLROnPlateau:
///
///   optim::ReduceOnPlateau plateau({.lr = 1e-3, .patience = 3});
///   ... optimizer.step(plateau.lr()); ...
///   plateau.step(validation_loss);   // once an epoch
///
/// With .lr = 1 it is a factor for a learning_rate(schedule, step).
class ReduceOnPlateau {
 public:
  /// ConfigError for an option out of range.
  explicit ReduceOnPlateau(const PlateauOptions& options = {});

  /// Takes the next metric. One that is not a number is no improvement.
  void step(double metric);
  double lr() const { return state_.lr; }

  const PlateauState& state() const { return state_; }
  /// ConfigError, and nothing has changed, for numbers that no state has.
  void load_state(const PlateauState& state);

 private:
  bool is_better(double metric) const;

  PlateauOptions options_;
  PlateauState state_;
};

}  // namespace ditharos::optim
