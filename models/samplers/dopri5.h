#pragma once
// Internal to models/samplers/.
// The Runge-Kutta method of order 5 by Dormand and Prince (1980), with adaptive steps.
#include <ditharos/models/samplers/ode.h>

namespace ditharos::models {

/// Solves from result.x through `times`, and fills in result.x, steps and rejected. `velocity` counts its calls in
/// result.evaluations. The error estimate is that of Shampine (1986, "Some practical Runge-Kutta formulas"), the first
/// step and the step-size controller are those of Hairer, Nørsett and Wanner (1993, II.4): a step changes by a factor
/// of .9 error^(-1/5), which is kept between .2 and 10, and below 1 only after a rejected step. The velocity at the end
/// of a step is the first of the next one, so a step costs 6 evaluations.
void solve_dopri5(const Velocity& velocity, const std::vector<double>& times, const OdeOptions& options,
                  OdeResult& result);

}  // namespace ditharos::models
