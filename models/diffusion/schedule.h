#pragma once
// Noise schedules of denoising diffusion (Ho et al. 2020; Nichol and Dhariwal 2021): tables in double.
#include <cstdint>
#include <string>
#include <vector>

namespace ditharos::models {

enum class BetaSchedule {
  linear,             ///< 1e-4 to .02 over 1000 steps, scaled for other numbers (Ho et al. 2020)
  squaredcos_cap_v2,  ///< alpha-bar follows a squared cosine (Nichol and Dhariwal 2021, equation 17)
  scaled_linear,      ///< sqrt(beta) is linear, from .00085 to .012 at any number of steps (Rombach et al. 2022)
  sigmoid             ///< from 1e-4 to .02 along a sigmoid on [-6, 6], at any number of steps (Xu et al. 2022)
};

/// The variance beta_t that each of `steps` steps adds, all in (0, 1). ConfigError below 21 steps of the linear
/// schedule, whose last beta is 20 / steps, below 1 of squaredcos_cap_v2, and below 2 of the others.
[[nodiscard]] std::vector<double> make_betas(BetaSchedule schedule, int64_t steps);

/// The betas of a process with zero terminal SNR: sqrt(alpha-bar) is moved and scaled so that it is 0 at the last step
/// and unchanged at the first; the last beta becomes 1 (Lin et al. 2024, algorithm 1). ConfigError unless there are two
/// betas or more, all in (0, 1).
[[nodiscard]] std::vector<double> rescale_zero_terminal_snr(const std::vector<double>& betas);

/// Which of `steps` original steps a shorter process keeps, ascending. `sections` is "" (all), "ddimN" (N steps at one
/// integer stride, as in DDIM), "leadingN" (multiples of steps / N, rounded down, from step 0), "trailingN" (backwards
/// from the last step at a stride of steps / N; both as in diffusers), "N", or "N,M,...": the range is cut into equal
/// sections, of which N, M, ... steps are kept, evenly spaced and both ends included; a single one is the end, where
/// most noise is. ConfigError when that cannot be done.
[[nodiscard]] std::vector<int64_t> respaced_steps(int64_t steps, const std::string& sections);

/// The tables of the formulas of DDPM, one entry per step; `a_bar` is the cumulative product of (1 - beta).
struct DiffusionTables {
  /// The process that keeps only `kept` of the steps, with the same alpha-bar there.
  DiffusionTables(const std::vector<double>& original_betas, const std::vector<int64_t>& kept);

  int64_t steps() const { return static_cast<int64_t>(beta.size()); }

  std::vector<int64_t> original_step;  ///< the step's number in the process that the network was trained on
  std::vector<double> beta, a_bar;
  std::vector<double> a_bar_previous;  ///< a_bar one step towards data; 1 at step 0
  std::vector<double> a_bar_next;      ///< a_bar one step towards noise; 0 at the last step
  // q(x_{t-1} | x_t, x_0) = N(posterior_x0 x_0 + posterior_xt x_t, posterior_variance); Ho et al. 2020, equation 7.
  std::vector<double> posterior_x0, posterior_xt, posterior_variance;
  /// log(posterior_variance); at step 0, where it is 0, the value of step 1.
  std::vector<double> posterior_log_variance;
};

}  // namespace ditharos::models
