#pragma once
// The stochastic samplers of SiT (Ma et al. 2024, section 2.3): dx = (v + w score) dt + sqrt(2 w) dW, whose density at
// every time is that of the flow dx = v dt, for any diffusion coefficient w(t) >= 0.
#include <functional>

#include <ditharos/models/diffusion/path.h>
#include <ditharos/models/samplers/ode.h>

namespace ditharos::models {

/// The diffusion coefficient w(t), each times SdeOptions::norm. As in SiT's code.
enum class DiffusionForm {
  constant,              ///< 1
  sbdm,                  ///< Path::score_coefficient: that of the path's reverse process (Song et al. 2021)
  sigma,                 ///< sigma
  linear,                ///< 1 - t
  decreasing,            ///< (norm cos(pi t) + 1)^2 / 4
  increasing_decreasing  ///< sin(pi t)^2
};
/// "constant", "sbdm", "sigma", "linear", "decreasing" or "increasing_decreasing".
[[nodiscard]] const char* name_of(DiffusionForm form);

/// How the sampler gets from the last time of its steps to data, without noise.
enum class LastStep {
  none,     ///< not at all
  mean,     ///< a step along v + w score
  tweedie,  ///< the data's expectation given x (Tweedie's formula)
  euler     ///< a step along v
};
/// "none", "mean", "tweedie" or "euler".
[[nodiscard]] const char* name_of(LastStep step);

enum class SdeMethod { euler_maruyama, heun };

struct SdeOptions {
  SdeMethod method = SdeMethod::euler_maruyama;
  DiffusionForm form = DiffusionForm::sbdm;
  double norm = 1;
  LastStep last_step = LastStep::mean;
  double last_step_size = .04;  ///< the steps before it end at 1 - last_step_size; read unless last_step is none
  /// The steps begin at this time where w is infinite at 0, and end at 1 minus it where the score is infinite at 1 and
  /// there is no last step.
  double margin = 1e-3;

  /// ConfigError with one sentence that says what does not fit.
  void validate() const;
  friend bool operator==(const SdeOptions&, const SdeOptions&) = default;
};

/// w(t). Infinite for sbdm at t = 0 of the linear and the gvp path.
[[nodiscard]] double diffusion_coefficient(const Path& path, const SdeOptions& options, double t);

/// The times of `steps` points: the steps of the equation lie between them, and the last step, if any, begins at the
/// last one, so that with a last step the number of Euler-Maruyama's evaluations is `steps`. ConfigError below 2.
[[nodiscard]] std::vector<double> sde_times(const Path& path, const SdeOptions& options, int64_t steps);

/// One step from x at `begin` to `end`. `noise` is standard normal, like x. Records no graph.
Tensor sde_step(const Velocity& velocity, const Path& path, const SdeOptions& options, const Tensor& x, double begin,
                double end, const Tensor& noise);
/// The last step from x at time t. Records no graph.
Tensor sde_last_step(const Velocity& velocity, const Path& path, const SdeOptions& options, const Tensor& x, double t);

}  // namespace ditharos::models
