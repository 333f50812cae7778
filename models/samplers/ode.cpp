#include <ditharos/models/samplers/ode.h>

#include <cmath>

#include <ditharos/autograd/ops.h>
#include <ditharos/models/samplers/dopri5.h>
#include <ditharos/nn/inference.h>

namespace ditharos::models {
namespace {

constexpr int64_t least_order = 2, most_order = 4;  // of Adams-Bashforth

/// The methods whose steps lie between given times.
class FixedSteps {
 public:
  FixedSteps(const Velocity& velocity, const OdeOptions& options) : velocity_(velocity), options_(options) {}

  /// The mean velocity of the step from x at `begin`.
  Tensor slope(const Tensor& x, double begin, double end) {
    const double dt = end - begin;
    const Tensor v = velocity_(x, begin);
    switch (options_.method) {
      case OdeMethod::euler: return v;
      case OdeMethod::midpoint: return velocity_(x + v * (dt / 2), begin + dt / 2);
      case OdeMethod::heun: return heun(x, v, begin, dt);
      case OdeMethod::adams_bashforth: return adams_bashforth(x, v, begin, dt);
      case OdeMethod::dopri5: break;
    }
    fail<ConfigError>("[solve_ode] dopri5 has no fixed steps");
  }

 private:
  Tensor heun(const Tensor& x, const Tensor& v, double t, double dt) const {
    return (v + velocity_(x + v * dt, t + dt)) * .5;
  }

  Tensor classical_runge_kutta(const Tensor& x, const Tensor& v, double t, double dt) const {
    const Tensor v2 = velocity_(x + v * (dt / 2), t + dt / 2);
    const Tensor v3 = velocity_(x + v2 * (dt / 2), t + dt / 2);
    const Tensor v4 = velocity_(x + v3 * dt, t + dt);
    return (v + (v2 + v3) * 2.0 + v4) * (1. / 6);
  }

  Tensor adams_bashforth(const Tensor& x, const Tensor& v, double t, double dt) {
    const size_t order = size_t(options_.order);
    times_.insert(times_.begin(), t);
    velocities_.insert(velocities_.begin(), v);
    if (times_.size() < order) return order == 4 ? classical_runge_kutta(x, v, t, dt) : heun(x, v, t, dt);
    times_.resize(order);
    velocities_.resize(order);
    const std::vector<double> weights = adams_bashforth_weights(times_, t + dt);
    Tensor sum = velocities_[0] * (weights[0] / dt);
    for (size_t i = 1; i < order; ++i) sum = sum + velocities_[i] * (weights[i] / dt);
    return sum;
  }

  const Velocity& velocity_;
  const OdeOptions& options_;
  std::vector<double> times_;  // of the newest `order` steps, newest first
  std::vector<Tensor> velocities_;
};

void check_times(const std::vector<double>& times) {
  check<ConfigError>(times.size() >= 2, "[solve_ode] needs two times or more, got ", times.size());
  for (const double t : times) check<ConfigError>(std::isfinite(t), "[solve_ode] a time must be finite, got ", t);
  const bool rising = times[1] > times[0];
  for (size_t i = 1; i < times.size(); ++i) {
    check<ConfigError>(rising ? times[i] > times[i - 1] : times[i] < times[i - 1], "[solve_ode] the times must rise ",
                       "or fall strictly; time ", i, " is ", times[i], " after ", times[i - 1]);
  }
}

}  // namespace

const char* name_of(OdeMethod method) {
  constexpr const char* names[] = {"euler", "midpoint", "heun", "adams_bashforth", "dopri5"};
  return names[static_cast<int>(method)];
}

void OdeOptions::validate() const {
  check<ConfigError>(method != OdeMethod::adams_bashforth || (order >= least_order && order <= most_order),
                     "the order of Adams-Bashforth must be ", least_order, " to ", most_order, ", got ", order);
  check<ConfigError>(std::isfinite(absolute_tolerance) && std::isfinite(relative_tolerance) &&
                         absolute_tolerance >= 0 && relative_tolerance >= 0 &&
                         absolute_tolerance + relative_tolerance > 0,
                     "the tolerances must be 0 or more, and one of them above 0, got ", absolute_tolerance,
                     " (absolute) and ", relative_tolerance, " (relative)");
  check<ConfigError>(max_evaluations >= 1, "max_evaluations must be at least 1, got ", max_evaluations);
}

OdeResult solve_ode(const Velocity& velocity, const Tensor& x, const std::vector<double>& times,
                    const OdeOptions& options) {
  options.validate();
  check_times(times);
  const nn::InferenceMode inference;
  OdeResult result{.x = x};
  const Velocity counted = [&](const Tensor& y, double t) {
    ++result.evaluations;
    Tensor v = velocity(y, t);
    check<ShapeError>(v.defined() && v.shape() == x.shape(), "[solve_ode] the velocity must have the shape of x, ",
                      x.shape(), ", got ", v.defined() ? to_text(v.shape()) : "none");
    return v;
  };
  if (options.method == OdeMethod::dopri5) {
    solve_dopri5(counted, times, options, result);
    return result;
  }
  FixedSteps method(counted, options);
  for (size_t i = 0; i + 1 < times.size(); ++i) {
    const Tensor slope = method.slope(result.x, times[i], times[i + 1]);
    const Tensor next = result.x + slope * (times[i + 1] - times[i]);
    if (options.after_step) options.after_step({result.steps, times[i], times[i + 1], result.x, slope, next});
    result.x = next;
    ++result.steps;
  }
  return result;
}

std::vector<double> even_times(double begin, double end, int64_t n) {
  check<ConfigError>(n >= 1, "[even_times] needs at least one step, got ", n);
  std::vector<double> times;
  for (int64_t i = 0; i < n; ++i) times.push_back(begin + (end - begin) * double(i) / double(n));
  times.push_back(end);
  return times;
}

std::vector<double> adams_bashforth_weights(const std::vector<double>& times, double end) {
  std::vector<double> weights;
  const double begin = times.at(0), dt = end - begin;
  for (size_t i = 0; i < times.size(); ++i) {
    // Coefficients of the Lagrange polynomial in u = (t - begin) / dt, which is 1 at times[i] and 0 at the others.
    std::vector<double> polynomial{1};
    for (size_t j = 0; j < times.size(); ++j) {
      if (j == i) continue;
      const double root = (times[j] - begin) / dt, scale = dt / (times[i] - times[j]);
      std::vector<double> product(polynomial.size() + 1, 0);
      for (size_t k = 0; k < polynomial.size(); ++k) {
        product[k + 1] += polynomial[k] * scale;
        product[k] -= polynomial[k] * root * scale;
      }
      polynomial = product;
    }
    double integral = 0;  // over u from 0 to 1
    for (size_t k = 0; k < polynomial.size(); ++k) integral += polynomial[k] / double(k + 1);
    weights.push_back(integral * dt);
  }
  return weights;
}

}  // namespace ditharos::models
