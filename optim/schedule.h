#pragma once
// Learning rates as pure functions of the step, without state.
#include <cstdint>
#include <string>

namespace ditharos::optim {

/// The decay of the learning rate after the warm-up.
enum class Decay { constant, linear, cosine, inverse_sqrt };
/// Whether a decay ends at Schedule::total_steps.
[[nodiscard]] inline bool has_end(Decay decay) { return decay == Decay::linear || decay == Decay::cosine; }

struct Schedule {
  double lr = 1e-3;           ///< the peak, reached at the end of the warm-up
  int64_t warmup_steps = 0;   ///< linear from lr / warmup_steps at step 0; 0: none
  Decay decay = Decay::constant;
  int64_t total_steps = 0;    ///< where linear and cosine end; above warmup_steps. Not used by others
  double final_fraction = 0;  ///< of lr, the lowest rate after the warm-up; in [0, 1]. Not used by constant
};

/// Learning rate of a step, counted from 0. In the warm-up lr * (step + 1) / warmup_steps. After it, with
/// x = (step - warmup_steps) / (total_steps - warmup_steps) clamped to [0, 1] and f = final_fraction:
///   constant  lr
///   linear    lr * (1 - (1 - f) x)
///   cosine    lr * (f + (1 - f) (1 + cos(pi x)) / 2)   (Loshchilov and Hutter 2017, equation 5, one cycle)
///   inverse_sqrt  lr * max(f, sqrt(w / (step + 1))), w = max(warmup_steps, 1)   (Vaswani et al. 2017, section 5.3)
/// The last step, total_steps - 1, has a positive learning rate. ConfigError for a field out of range.
[[nodiscard]] double learning_rate(const Schedule& schedule, int64_t step);

/// "constant", "linear", "cosine" or "inverse_sqrt"; ConfigError names the choices.
[[nodiscard]] Decay decay_from_name(const std::string& name);

}  // namespace ditharos::optim
