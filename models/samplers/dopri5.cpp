#include <ditharos/models/samplers/dopri5.h>

#include <algorithm>
#include <array>
#include <cmath>

#include <ditharos/autograd/ops.h>

namespace ditharos::models {
namespace {

constexpr int stages = 7;  // the last one is the first of the next step
constexpr int error_order = 5;
constexpr std::array<double, stages> nodes{0, 1. / 5, 3. / 10, 4. / 5, 8. / 9, 1, 1};
/// Row i: the weights of the velocities before stage i. The last row is also the step's result.
constexpr std::array<std::array<double, stages - 1>, stages> stage_weights{{
    {},
    {1. / 5},
    {3. / 40, 9. / 40},
    {44. / 45, -56. / 15, 32. / 9},
    {19372. / 6561, -25360. / 2187, 64448. / 6561, -212. / 729},
    {9017. / 3168, -355. / 33, 46732. / 5247, 49. / 176, -5103. / 18656},
    {35. / 384, 0, 500. / 1113, 125. / 192, -2187. / 6784, 11. / 84},
}};
/// The result minus that of the embedded method of order 4.
constexpr std::array<double, stages> error_weights{35. / 384 - 1951. / 21600,
                                                   0,
                                                   500. / 1113 - 22642. / 50085,
                                                   125. / 192 - 451. / 720,
                                                   -2187. / 6784 + 12231. / 42400,
                                                   11. / 84 - 649. / 6300,
                                                   -1. / 60};
constexpr double safety = .9, least_factor = .2, greatest_factor = 10;

double root_mean_square(const Tensor& x) { return std::sqrt(mean(square(x)).item()); }

/// The weighted sum of the first `weights`.
template <size_t n>
Tensor combine(const std::vector<Tensor>& v, const std::array<double, n>& weights) {
  Tensor sum;
  for (size_t i = 0; i < v.size() && i < n; ++i) {
    if (weights[i] == 0) continue;
    const Tensor term = v[i] * weights[i];
    sum = sum.defined() ? sum + term : term;
  }
  return sum;
}

class Dopri5 {
 public:
  Dopri5(const Velocity& velocity, const OdeOptions& options, OdeResult& result)
      : velocity_(velocity), options_(options), result_(result) {}

  void solve(const std::vector<double>& times) {
    first_ = velocity_(result_.x, times[0]);
    direction_ = times.back() > times[0] ? 1 : -1;
    taken_ = 0;
    double t = times[0], length = first_length(t);
    for (size_t i = 1; i < times.size(); ++i) {
      while (t != times[i]) {
        const double rest = std::abs(times[i] - t);
        const bool last = length >= rest * (1 - 1e-9);  // no step of the length of a rounding error at the end
        const double end = last ? times[i] : t + direction_ * length;
        length = step(t, end);
        if (accepted_) t = end;
      }
    }
  }

 private:
  double error(const Tensor& difference, const Tensor& size) const {
    return root_mean_square(difference / (size * options_.relative_tolerance + options_.absolute_tolerance));
  }

  /// A first step whose error would be near the tolerance, from the sizes of x, of v, and of the change of v.
  double first_length(double t) {
    const Tensor size = abs(result_.x);
    const double of_x = error(result_.x, size), of_v = error(first_, size);
    const double guess = of_x < 1e-5 || of_v < 1e-5 ? 1e-6 : .01 * of_x / of_v;
    const Tensor v = velocity_(result_.x + first_ * (direction_ * guess), t + direction_ * guess);
    const double of_change = error(v - first_, size) / guess;
    const double largest = std::max(of_v, of_change);
    const double by_change =
        largest <= 1e-15 ? std::max(1e-6, guess * 1e-3) : std::pow(.01 / largest, 1. / error_order);
    return std::min(100 * guess, by_change);
  }

  /// Tries a step and returns the length of the next one.
  double step(double begin, double end) {
    const double dt = end - begin, length = std::abs(dt);
    check<Error>(end != begin && std::isfinite(length), "[solve_ode] dopri5 cannot reach its tolerance at t = ", begin,
                 ": its step has shrunk to ", length, "; allow more than ", options_.absolute_tolerance,
                 " (absolute) and ", options_.relative_tolerance, " (relative), or use a method with fixed steps");
    check<Error>(result_.evaluations + stages - 1 <= options_.max_evaluations,
                 "[solve_ode] dopri5 has reached t = ", begin, " after ", result_.evaluations,
                 " evaluations and may use no more than ", options_.max_evaluations);
    const Tensor& x = result_.x;
    std::vector<Tensor> v{first_};
    Tensor slope, next;
    for (int stage = 1; stage < stages; ++stage) {
      slope = combine(v, stage_weights[size_t(stage)]);
      next = x + slope * dt;
      v.push_back(velocity_(next, stage >= stages - 2 ? end : begin + nodes[size_t(stage)] * dt));
    }
    const double ratio = error(combine(v, error_weights) * dt, maximum(abs(x), abs(next)));
    check<Error>(std::isfinite(ratio), "[solve_ode] the velocity is not finite between t = ", begin, " and ", end);
    accepted_ = ratio <= 1;
    if (accepted_) {
      if (options_.after_step) options_.after_step({taken_, begin, end, x, slope, next});
      result_.x = next;
      first_ = v.back();
      ++result_.steps;
      ++taken_;
    } else {
      ++result_.rejected;
    }
    if (ratio == 0) return length * greatest_factor;
    const double least = ratio < 1 ? 1 : least_factor;
    return length * std::min(greatest_factor, std::max(safety * std::pow(ratio, -1. / error_order), least));
  }

  const Velocity& velocity_;
  const OdeOptions& options_;
  OdeResult& result_;
  Tensor first_;  // the velocity at the beginning of the next step
  double direction_ = 1;
  bool accepted_ = false;
  int64_t taken_ = 0;  // steps of this solution
};

/// The largest difference of an element in units of the tolerance.
double largest_difference(const Tensor& x, const Tensor& y, const OdeOptions& options) {
  if (x.numel() == 0) return 0;
  const Tensor size = maximum(abs(x), abs(y));
  return amax(abs(x - y) / (size * options.relative_tolerance + options.absolute_tolerance)).item();
}

}  // namespace

void solve_dopri5(const Velocity& velocity, const std::vector<double>& times, const OdeOptions& options,
                  OdeResult& result) {
  constexpr double finer = .1;
  const Tensor start = result.x;
  Dopri5(velocity, options, result).solve(times);
  if (options.error_control == ErrorControl::step) return;
  OdeOptions tighter = options;
  for (Tensor previous; !previous.defined() || largest_difference(result.x, previous, options) > 1;) {
    previous = result.x;
    result.x = start;
    tighter.absolute_tolerance *= finer;
    tighter.relative_tolerance *= finer;
    Dopri5(velocity, tighter, result).solve(times);
  }
}

}  // namespace ditharos::models
