#include <ditharos/optim/reduce_on_plateau.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include <ditharos/tensor/error.h>

namespace ditharos::optim {

ReduceOnPlateau::ReduceOnPlateau(const PlateauOptions& options) : options_(options) {
  const auto not_negative = [](const char* name, double value) {
    check<ConfigError>(std::isfinite(value) && value >= 0, "[ReduceOnPlateau] ", name, " must be a number >= 0, got ",
                       value);
  };
  not_negative("lr", options.lr);
  not_negative("threshold", options.threshold);
  not_negative("min_lr", options.min_lr);
  not_negative("eps", options.eps);
  check<ConfigError>(options.factor >= 0 && options.factor < 1,
                     "[ReduceOnPlateau] factor must be at least 0 and below 1, got ", options.factor);
  check<ConfigError>(options.patience >= 0 && options.cooldown >= 0,
                     "[ReduceOnPlateau] patience and cooldown must be at least 0, got ", options.patience, " and ",
                     options.cooldown);
  const double worst = std::numeric_limits<double>::infinity();
  state_ = {.lr = options.lr, .best = options.maximize ? -worst : worst};
}

bool ReduceOnPlateau::is_better(double metric) const {
  const double best = state_.best, change = options_.threshold;
  if (options_.maximize) return metric > (options_.absolute ? best + change : best * (1 + change));
  return metric < (options_.absolute ? best - change : best * (1 - change));
}

void ReduceOnPlateau::step(double metric) {
  if (is_better(metric)) {
    state_.best = metric;
    state_.bad = 0;
  } else {
    ++state_.bad;
  }
  if (state_.cooldown > 0) {
    --state_.cooldown;
    state_.bad = 0;
  }
  if (state_.bad <= options_.patience) return;
  const double lower = std::max(state_.lr * options_.factor, options_.min_lr);
  if (state_.lr - lower > options_.eps) state_.lr = lower;
  state_.cooldown = options_.cooldown;
  state_.bad = 0;
}

void ReduceOnPlateau::load_state(const PlateauState& state) {
  check<ConfigError>(
      std::isfinite(state.lr) && state.lr >= 0 && !std::isnan(state.best) && state.bad >= 0 && state.cooldown >= 0,
      "[ReduceOnPlateau] this is no state: lr ", state.lr, ", best ", state.best, ", bad ", state.bad, ", cooldown ",
      state.cooldown);
  state_ = state;
}

}  // namespace ditharos::optim
