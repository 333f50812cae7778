#include <ditharos/optim/schedule.h>

#include <algorithm>
#include <cmath>
#include <numbers>
#include <utility>

#include <ditharos/tensor/error.h>

namespace ditharos::optim {
namespace {

constexpr std::pair<const char*, Decay> names[] = {{"constant", Decay::constant},
                                                   {"linear", Decay::linear},
                                                   {"cosine", Decay::cosine},
                                                   {"inverse_sqrt", Decay::inverse_sqrt},
                                                   {"step", Decay::step},
                                                   {"multi_step", Decay::multi_step},
                                                   {"exponential", Decay::exponential},
                                                   {"cosine_restarts", Decay::cosine_restarts},
                                                   {"one_cycle", Decay::one_cycle}};

void check_schedule(const Schedule& s) {
  check<ConfigError>(std::isfinite(s.lr) && s.lr >= 0, "[schedule] lr must be a number >= 0, got ", s.lr);
  check<ConfigError>(s.warmup_steps >= 0, "[schedule] warmup_steps must be at least 0, got ", s.warmup_steps);
  check<ConfigError>(s.final_fraction >= 0 && s.final_fraction <= 1,
                     "[schedule] final_fraction must be in [0, 1], got ", s.final_fraction);
  check<ConfigError>(!has_end(s.decay) || s.total_steps > s.warmup_steps, "[schedule] total_steps (", s.total_steps,
                     ") must be above warmup_steps (", s.warmup_steps, ")");
  check<ConfigError>(std::isfinite(s.gamma) && s.gamma > 0, "[schedule] gamma must be a number above 0, got ", s.gamma);
  const bool has_period = s.decay == Decay::step || s.decay == Decay::cosine_restarts;
  check<ConfigError>(!has_period || s.period >= 1, "[schedule] period must be at least 1, got ", s.period);
  check<ConfigError>(s.period_factor >= 1, "[schedule] period_factor must be at least 1, got ", s.period_factor);
  check<ConfigError>(
      std::is_sorted(s.milestones.begin(), s.milestones.end()) && (s.milestones.empty() || s.milestones.front() >= 0),
      "[schedule] milestones must be numbers of steps in ascending order");
  if (s.decay != Decay::one_cycle) return;
  check<ConfigError>(s.warmup_steps == 0, "[schedule] one_cycle has its own rise (pct_start) and no warm-up, got ",
                     s.warmup_steps, " warmup_steps");
  check<ConfigError>(s.pct_start >= 0 && s.pct_start <= 1, "[schedule] pct_start must be in [0, 1], got ", s.pct_start);
  for (const double factor : {s.div_factor, s.final_div_factor})
    check<ConfigError>(std::isfinite(factor) && factor > 0,
                       "[schedule] div_factor and final_div_factor must be numbers above 0, got ", factor);
}

/// From 1 at x = 0 to 0 at x = 1.
double half_cosine(double x) { return (1 + std::cos(std::numbers::pi * x)) / 2; }

/// The part of the cycle that is over after t steps.
double part_of_cycle(const Schedule& s, int64_t t) {
  int64_t length = s.period;
  if (s.period_factor == 1) return double(t % length) / double(length);
  while (t >= length) {
    t -= length;
    if (length > t / s.period_factor) return double(t) / (double(length) * double(s.period_factor));
    length *= s.period_factor;
  }
  return double(t) / double(length);
}

double one_cycle(const Schedule& s, int64_t step) {
  const double top = s.pct_start * double(s.total_steps) - 1, last = double(s.total_steps - 1);
  const double at = std::min(double(step), last), first = s.lr / s.div_factor;
  const bool rises = at <= top;
  const double from = rises ? first : s.lr, to = rises ? s.lr : first / s.final_div_factor;
  const double start = rises ? 0 : top, length = (rises ? top : last) - start;
  const double x = length > 0 ? (at - start) / length : 1;
  return to + (from - to) * (s.linear_cycle ? 1 - x : half_cosine(x));
}

}  // namespace

double learning_rate(const Schedule& s, int64_t step) {
  check_schedule(s);
  check<ConfigError>(step >= 0, "[schedule] steps count from 0, got ", step);
  if (step < s.warmup_steps) return s.lr * double(step + 1) / double(s.warmup_steps);
  const int64_t t = step - s.warmup_steps;
  const auto lowered = [&](double shape) { return s.lr * (s.final_fraction + (1 - s.final_fraction) * shape); };
  const auto x = [&] { return std::min(1.0, double(t) / double(s.total_steps - s.warmup_steps)); };
  switch (s.decay) {
    case Decay::constant: return s.lr;
    case Decay::linear: return lowered(1 - x());
    case Decay::cosine: return lowered(half_cosine(x()));
    case Decay::inverse_sqrt: {
      const double peak = double(std::max<int64_t>(s.warmup_steps, 1));
      return s.lr * std::max(s.final_fraction, std::sqrt(peak / (double(step) + 1)));
    }
    case Decay::step: {
      const int64_t passed = t / s.period;
      return s.lr * std::pow(s.gamma, double(passed));
    }
    case Decay::multi_step: {
      const auto passed = std::upper_bound(s.milestones.begin(), s.milestones.end(), t) - s.milestones.begin();
      return s.lr * std::pow(s.gamma, double(passed));
    }
    case Decay::exponential: return s.lr * std::pow(s.gamma, double(t));
    case Decay::cosine_restarts: return lowered(half_cosine(part_of_cycle(s, t)));
    case Decay::one_cycle: return one_cycle(s, step);
  }
  fail<ConfigError>("[schedule] there is no decay number ", int(s.decay));
}

Decay decay_from_name(const std::string& name) {
  std::string choices;
  for (const auto& [known, decay] : names) {
    if (name == known) return decay;
    choices += (choices.empty() ? "" : decay == std::end(names)[-1].second ? " or " : ", ") + std::string(known);
  }
  fail<ConfigError>("[schedule] unknown decay \"", name, "\"; choose ", choices);
}

}  // namespace ditharos::optim
