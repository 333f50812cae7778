#pragma once
// Learning rates as pure functions of the step, without state: a run that is resumed at step k goes on with the rate of
// step k. The one rate that depends on more than the step is in reduce_on_plateau.h.
//
//   const optim::Schedule schedule{.warmup_steps = 500, .decay = optim::Decay::cosine, .total_steps = 9000};
//   optimizer.step(optim::learning_rate(schedule, step));
//
// To change the rate after each epoch, as with PyTorch's scheduler.step() there, give it the number of the epoch.
#include <cstdint>
#include <string>
#include <vector>

namespace ditharos::optim {

/// The course of the learning rate after the warm-up.
enum class Decay {
  constant,
  linear,
  cosine,
  inverse_sqrt,
  step,             ///< torch's StepLR
  multi_step,       ///< MultiStepLR
  exponential,      ///< ExponentialLR
  cosine_restarts,  ///< CosineAnnealingWarmRestarts
  one_cycle,        ///< OneCycleLR, with its own rise in place of a warm-up
};
/// Whether a decay ends at Schedule::total_steps.
[[nodiscard]] inline bool has_end(Decay decay) {
  return decay == Decay::linear || decay == Decay::cosine || decay == Decay::one_cycle;
}

struct Schedule {
  double lr = 1e-3;          ///< the peak, reached at the end of the warm-up
  int64_t warmup_steps = 0;  ///< linear from lr / warmup_steps at step 0; 0: none
  Decay decay = Decay::constant;
  int64_t total_steps = 0;  ///< where linear, cosine and one_cycle end; above warmup_steps. Not used by others
  /// Of lr, the lowest rate after the warm-up; in [0, 1]. Of linear, cosine, inverse_sqrt and cosine_restarts.
  double final_fraction = 0;
  double gamma = .1;          ///< factor of each fall of step, multi_step and exponential; above 0
  int64_t period = 0;         ///< steps between two falls of step; of the first cycle of cosine_restarts
  int64_t period_factor = 1;  ///< by which each cycle of cosine_restarts is longer than the one before (T_mult)
  std::vector<int64_t> milestones = {};            ///< of multi_step: numbers of steps behind the warm-up, ascending
  double pct_start = .3;                           ///< part of the steps of one_cycle in which the rate rises
  double div_factor = 25, final_div_factor = 1e4;  ///< of one_cycle; above 0
  bool linear_cycle = false;                       ///< one_cycle in straight lines instead of cosines
};

/// Learning rate of a step, counted from 0. In the warm-up lr * (step + 1) / warmup_steps. After it, with
/// t = step - warmup_steps, x = t / (total_steps - warmup_steps) clamped to [0, 1] and f = final_fraction:
///   constant  lr
///   linear    lr * (1 - (1 - f) x)
///   cosine    lr * (f + (1 - f) (1 + cos(pi x)) / 2)   (Loshchilov and Hutter 2017, equation 5, one cycle)
///   inverse_sqrt  lr * max(f, sqrt(w / (step + 1))), w = max(warmup_steps, 1)   (Vaswani et al. 2017, section 5.3)
///   step          lr * gamma^floor(t / period)
///   multi_step    lr * gamma^n, n: the milestones up to t
///   exponential   lr * gamma^t
///   cosine_restarts  as cosine, x = the part of the present cycle that is over; cycle i, from 0, has
///                    period * period_factor^i steps   (Loshchilov and Hutter 2017, equation 5)
///   one_cycle     from lr / div_factor to lr at step pct_start * total_steps - 1, and on to
///                 lr / (div_factor * final_div_factor) at the last, along half cosines; momentum stays as it is
///                 (Smith and Topin 2018)
/// The last step of linear and cosine, total_steps - 1, has a positive learning rate. ConfigError for a field out of
/// range.
[[nodiscard]] double learning_rate(const Schedule& schedule, int64_t step);

/// By its name in Decay: "constant", "linear" and so on. ConfigError names the choices.
[[nodiscard]] Decay decay_from_name(const std::string& name);

}  // namespace ditharos::optim
