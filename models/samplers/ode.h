#pragma once
// Solvers of ordinary differential equations dx/dt = v(x, t), of which the samplers of flows are users.
#include <functional>
#include <vector>

#include <ditharos/tensor/tensor.h>

namespace ditharos::models {

enum class OdeMethod {
  euler,            ///< order 1, one evaluation a step
  midpoint,         ///< order 2, two evaluations a step
  heun,             ///< order 2, two evaluations a step: the explicit trapezoidal rule
  adams_bashforth,  ///< order 2 to 4, one evaluation a step after the first steps
  dopri5            ///< order 5 with an estimate of the error, which chooses the steps (Dormand and Prince 1980)
};
/// "euler", "midpoint", "heun", "adams_bashforth" or "dopri5".
[[nodiscard]] const char* name_of(OdeMethod method);

/// What dopri5 keeps below the tolerance.
enum class ErrorControl {
  step,   ///< the estimated error of each step, as torchdiffeq does: the errors of the steps add up in the result
  global  ///< the error of the result: the equation is solved again with a smaller tolerance until two results agree
};

/// The right-hand side: x of any shape and a time -> like x.
using Velocity = std::function<Tensor(const Tensor& x, double t)>;

/// One step that a solver has taken.
struct OdeStep {
  int64_t index;        ///< from 0; rejected steps are not counted
  double begin, end;    ///< times
  const Tensor& x;      ///< at `begin`
  const Tensor& slope;  ///< the step's mean velocity: next = x + slope (end - begin) up to rounding
  const Tensor& next;   ///< x at `end`
};

struct OdeOptions {
  OdeMethod method = OdeMethod::heun;
  /// Of Adams-Bashforth: 2, 3 or 4. Its first order - 1 steps are Heun's (order 2 and 3) or the classical Runge-Kutta
  /// steps of order 4 (order 4), because there are too few earlier velocities.
  int64_t order = 2;
  /// dopri5: the error of a step may be up to absolute + relative * max(|x|, |next|), as root mean square over all
  /// elements of the batch. So a sample's steps depend on the batch it is in.
  double absolute_tolerance = 1e-6, relative_tolerance = 1e-3;
  /// With ErrorControl::global, each solution has a tenth of the tolerance of the one before it. The last one is
  /// returned when it differs from the one before it by at most absolute + relative * max(|x|, |previous x|) in every
  /// element. That takes two to five times the evaluations, and f64 for tolerances near the rounding of f32. after_step
  /// is called for the steps of every solution, with indices from 0.
  ErrorControl error_control = ErrorControl::step;
  int64_t max_evaluations = 1'000'000;  ///< dopri5: Error when more would be needed
  std::function<void(const OdeStep&)> after_step = {};

  /// ConfigError with one sentence that says what does not fit.
  void validate() const;
};

struct OdeResult {
  Tensor x;                 ///< at the last time
  int64_t evaluations = 0;  ///< of the velocity; ErrorControl::global: of all solutions, as are steps and rejected
  int64_t steps = 0;        ///< accepted
  int64_t rejected = 0;     ///< dopri5: steps whose error was too large, and which were repeated with a smaller one
};

/// Solves from x at times[0] to the last of `times`, which rise or fall strictly. The methods with fixed steps take one
/// step between neighbours; the steps of Adams-Bashforth may be uneven. dopri5 chooses its own steps and ends one at
/// each of the times. Records no graph.
/// ConfigError for fewer than two times and times out of order; ShapeError when v(x, t) is not like x; Error when
/// dopri5 meets a velocity that is not finite, or cannot reach its tolerance.
[[nodiscard]] OdeResult solve_ode(const Velocity& velocity, const Tensor& x, const std::vector<double>& times,
                                  const OdeOptions& options = {});

/// n steps of equal length: n + 1 times from `begin` to `end`.
[[nodiscard]] std::vector<double> even_times(double begin, double end, int64_t n);

/// The weights of Adams-Bashforth on any grid: the integral from `times.front()` to `end` of the polynomial through the
/// velocities at `times` (newest first) is the sum of weight and velocity (Hairer, Nørsett and Wanner 1993, III.5).
[[nodiscard]] std::vector<double> adams_bashforth_weights(const std::vector<double>& times, double end);

}  // namespace ditharos::models
