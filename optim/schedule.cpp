#include <ditharos/optim/schedule.h>

#include <algorithm>
#include <cmath>
#include <numbers>

#include <ditharos/tensor/error.h>

namespace ditharos::optim {

double learning_rate(const Schedule& s, int64_t step) {
  check<ConfigError>(std::isfinite(s.lr) && s.lr >= 0, "[schedule] lr must be a number >= 0, got ", s.lr);
  check<ConfigError>(s.warmup_steps >= 0, "[schedule] warmup_steps must be at least 0, got ", s.warmup_steps);
  check<ConfigError>(s.final_fraction >= 0 && s.final_fraction <= 1,
                     "[schedule] final_fraction must be in [0, 1], got ", s.final_fraction);
  check<ConfigError>(!has_end(s.decay) || s.total_steps > s.warmup_steps, "[schedule] total_steps (",
                     s.total_steps, ") must be above warmup_steps (", s.warmup_steps, ")");
  check<ConfigError>(step >= 0, "[schedule] steps count from 0, got ", step);
  if (step < s.warmup_steps) return s.lr * double(step + 1) / double(s.warmup_steps);
  if (s.decay == Decay::constant) return s.lr;
  if (s.decay == Decay::inverse_sqrt) {
    const double peak = double(std::max<int64_t>(s.warmup_steps, 1));
    return s.lr * std::max(s.final_fraction, std::sqrt(peak / (double(step) + 1)));
  }
  const double x = std::min(1.0, double(step - s.warmup_steps) / double(s.total_steps - s.warmup_steps));
  const double shape = s.decay == Decay::linear ? 1 - x : (1 + std::cos(std::numbers::pi * x)) / 2;
  return s.lr * (s.final_fraction + (1 - s.final_fraction) * shape);
}

Decay decay_from_name(const std::string& name) {
  if (name == "constant") return Decay::constant;
  if (name == "linear") return Decay::linear;
  if (name == "cosine") return Decay::cosine;
  if (name == "inverse_sqrt") return Decay::inverse_sqrt;
  fail<ConfigError>("[schedule] unknown decay \"", name, "\"; choose constant, linear, cosine or inverse_sqrt");
}

}  // namespace ditharos::optim
