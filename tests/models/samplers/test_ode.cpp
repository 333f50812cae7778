// Solvers of differential equations: orders on a Gaussian mixture with its exact velocity, counts, and misuse.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <string>

#include <ditharos/autograd/ops.h>
#include <ditharos/models/samplers/ode.h>
#include <ditharos/tensor/random.h>
#include "tests/models/samplers/gaussian_mixture.h"
#include "tests/models/samplers/slope.h"
#include "tests/support/message_of.h"

namespace ditharos::test_ode {

using namespace ditharos::models;
using ditharos::tests::GaussianMixture;

namespace {

Velocity exact_velocity(PathKind kind) {
  return [mixture = GaussianMixture(), path = Path(kind)](const Tensor& x, double t) {
    return mixture.velocity(x, path.at(t));
  };
}

Tensor starts() { return Generator(1).normal({32}, DType::f64); }

double root_mean_square(const Tensor& x) { return std::sqrt(mean(square(x)).item()); }

}  // namespace

TEST_CASE("ode: every method has its order on a Gaussian mixture") {
  for (const PathKind kind : {PathKind::linear, PathKind::gvp}) {
    const Velocity velocity = exact_velocity(kind);
    const Tensor exact =
        solve_ode(velocity, starts(), {0, 1},
                  {.method = OdeMethod::dopri5, .absolute_tolerance = 1e-13, .relative_tolerance = 1e-13})
            .x;
    const auto check_order = [&](const OdeOptions& options, double wanted) {
      const std::string name =
          std::string(name_of(kind)) + ", " + name_of(options.method) + " of order " + std::to_string(int(wanted));
      const double slope = tests::slope_of_error(name, {64, 128, 256, 512}, [&](int64_t steps) {
        return root_mean_square(solve_ode(velocity, starts(), even_times(0, 1, steps), options).x - exact);
      });
      CHECK_EQ(slope, doctest::Approx(wanted).epsilon(.1));
    };
    check_order({.method = OdeMethod::euler}, 1);
    check_order({.method = OdeMethod::midpoint}, 2);
    check_order({.method = OdeMethod::heun}, 2);
    for (const int64_t order : {2, 3, 4})
      check_order({.method = OdeMethod::adams_bashforth, .order = order}, double(order));
  }
}

TEST_CASE("ode: Adams-Bashforth keeps its order on uneven steps") {
  const Velocity velocity = exact_velocity(PathKind::linear);
  const Tensor exact =
      solve_ode(velocity, starts(), {0, 1},
                {.method = OdeMethod::dopri5, .absolute_tolerance = 1e-13, .relative_tolerance = 1e-13})
          .x;
  for (const int64_t order : {2, 3, 4}) {
    const double slope =
        tests::slope_of_error("uneven Adams-Bashforth " + std::to_string(order), {128, 256, 512}, [&](int64_t steps) {
          std::vector<double> times = even_times(0, 1, steps);
          for (double& t : times) t = t / (t + 3 * (1 - t));  // a time shift of 3
          const OdeOptions options{.method = OdeMethod::adams_bashforth, .order = order};
          return root_mean_square(solve_ode(velocity, starts(), times, options).x - exact);
        });
    CHECK_GT(slope, double(order) - .2);
  }
}

TEST_CASE("ode: the weights of Adams-Bashforth are the known ones") {
  const auto scaled = [](const std::vector<double>& weights, double by) {
    std::vector<double> result;
    for (const double w : weights) result.push_back(w * by);
    return result;
  };
  const double h = .1;
  const auto near = [](const std::vector<double>& got, const std::vector<double>& want) {
    REQUIRE_EQ(got.size(), want.size());
    for (size_t i = 0; i < got.size(); ++i) CHECK_EQ(got[i], doctest::Approx(want[i]).epsilon(1e-9));
  };
  near(scaled(adams_bashforth_weights({0}, h), 1 / h), {1});
  near(scaled(adams_bashforth_weights({0, -h}, h), 2 / h), {3, -1});
  near(scaled(adams_bashforth_weights({0, -h, -2 * h}, h), 12 / h), {23, -16, 5});
  near(scaled(adams_bashforth_weights({0, -h, -2 * h, -3 * h}, h), 24 / h), {55, -59, 37, -9});
  near(adams_bashforth_weights({1, 3}, 0), {-1 - .25, .25});  // backwards and uneven
}

TEST_CASE("ode: dopri5's error falls with its tolerance, and is below it where steps are short") {
  for (const PathKind kind : {PathKind::linear, PathKind::gvp}) {
    const Velocity velocity = exact_velocity(kind);
    const auto solved = [&](const Tensor& x, double begin, double end, double tolerance, const OdeOptions& more = {}) {
      OdeOptions options = more;
      options.method = OdeMethod::dopri5;
      options.absolute_tolerance = options.relative_tolerance = tolerance;
      return solve_ode(velocity, x, {begin, end}, options);
    };
    constexpr double tight = 1e-13;
    const Tensor exact = solved(starts(), 0, 1, tight).x;
    const auto error_of = [](const Tensor& got, const Tensor& want) {  // in units of which 1 is allowed
      return root_mean_square((got - want) / (abs(want) + 1.0));
    };
    for (const double tolerance : {1e-3, 1e-4, 1e-5, 1e-6, 1e-7, 1e-8, 1e-9}) {
      double worst_step = 0;
      OdeOptions options;
      options.after_step = [&](const OdeStep& step) {
        worst_step = std::max(worst_step, error_of(step.next, solved(step.x, step.begin, step.end, tight).x));
      };
      const OdeResult result = solved(starts(), 0, 1, tolerance, options);
      const double error = error_of(result.x, exact);
      std::printf(
          "%s, dopri5, tolerance %.0e: largest error of a step %.1e, of the whole %.1e, %lld evaluations, "
          "%lld steps, %lld rejected\n",
          name_of(kind), tolerance, worst_step, error, static_cast<long long>(result.evaluations),
          static_cast<long long>(result.steps), static_cast<long long>(result.rejected));
      // The estimate is that of a method of order 4, which falls short of the error while the steps are long; and the
      // errors of the steps add up. ErrorControl::global keeps the whole below the tolerance.
      const double allowed = tolerance <= 1e-8 ? tolerance : 10 * tolerance;
      CHECK_LT(worst_step, allowed);
      CHECK_LT(error, allowed);
      CHECK_EQ(result.evaluations, 2 + 6 * (result.steps + result.rejected));
      CHECK_GT(result.rejected, 0);
    }
  }
}

TEST_CASE("ode: with global error control dopri5's error is below its tolerance") {
  for (const PathKind kind : {PathKind::linear, PathKind::gvp}) {
    const Velocity velocity = exact_velocity(kind);
    const Tensor exact =
        solve_ode(velocity, starts(), {0, 1},
                  {.method = OdeMethod::dopri5, .absolute_tolerance = 1e-13, .relative_tolerance = 1e-13})
            .x;
    for (const double tolerance : {1e-2, 1e-3, 1e-4, 1e-5, 1e-6, 1e-7, 1e-8, 1e-9}) {
      int64_t solutions = 0;
      const OdeOptions options{.method = OdeMethod::dopri5,
                               .absolute_tolerance = tolerance,
                               .relative_tolerance = tolerance,
                               .error_control = ErrorControl::global,
                               .after_step = [&](const OdeStep& step) { solutions += step.index == 0; }};
      const OdeResult result = solve_ode(velocity, starts(), {0, 1}, options);
      const double error = amax(abs(result.x - exact) / (abs(exact) + 1.0)).item();  // of the worst element
      std::printf("%s, dopri5, global tolerance %.0e: largest error %.1e, %lld solutions, %lld evaluations\n",
                  name_of(kind), tolerance, error, static_cast<long long>(solutions),
                  static_cast<long long>(result.evaluations));
      CHECK_LT(error, tolerance);
      CHECK_GE(solutions, 2);
      CHECK_EQ(result.evaluations, 2 * solutions + 6 * (result.steps + result.rejected));
    }
  }
  const OdeOptions few{.method = OdeMethod::dopri5, .error_control = ErrorControl::global, .max_evaluations = 60};
  CHECK(tests::message_of<Error>([&] {
          static_cast<void>(solve_ode(exact_velocity(PathKind::linear), starts(), {0, 1}, few));
        }).find("may use no more than 60") != std::string::npos);
}

TEST_CASE("ode: evaluations are counted, steps are reported, and any direction is solved") {
  int64_t calls = 0;
  const Velocity velocity = [&](const Tensor& x, double t) {
    ++calls;
    return x * -std::cos(t);
  };
  const Tensor x = full({3}, 1, DType::f64);
  const auto evaluations = [&](OdeMethod method, int64_t order) {
    calls = 0;
    const OdeResult result = solve_ode(velocity, x, even_times(0, 1, 10), {.method = method, .order = order});
    CHECK_EQ(result.evaluations, calls);
    CHECK_EQ(result.steps, 10);
    CHECK_EQ(result.rejected, 0);
    return calls;
  };
  CHECK_EQ(evaluations(OdeMethod::euler, 2), 10);
  CHECK_EQ(evaluations(OdeMethod::midpoint, 2), 20);
  CHECK_EQ(evaluations(OdeMethod::heun, 2), 20);
  CHECK_EQ(evaluations(OdeMethod::adams_bashforth, 2), 11);
  CHECK_EQ(evaluations(OdeMethod::adams_bashforth, 3), 12);
  CHECK_EQ(evaluations(OdeMethod::adams_bashforth, 4), 19);

  for (const OdeMethod method : {OdeMethod::heun, OdeMethod::adams_bashforth, OdeMethod::dopri5}) {
    double reached = 2;
    int64_t steps = 0;
    OdeOptions options{.method = method, .absolute_tolerance = 1e-8, .relative_tolerance = 1e-8};
    options.after_step = [&](const OdeStep& step) {
      CHECK_EQ(step.index, steps++);
      CHECK_EQ(step.begin, reached);
      reached = step.end;
      CHECK_LT(root_mean_square(step.x + step.slope * (step.end - step.begin) - step.next), 1e-12);
    };
    const OdeResult result = solve_ode(velocity, x, even_times(2, -1, 200), options);  // backwards
    CHECK_EQ(result.steps, steps);
    CHECK_EQ(reached, -1);
    CHECK_EQ(select(result.x, 0, 0).item(), doctest::Approx(std::exp(std::sin(2.) - std::sin(-1.))).epsilon(1e-4));
  }
}

TEST_CASE("ode: what cannot be solved is refused in one sentence") {
  const Velocity velocity = [](const Tensor& x, double) { return x; };
  const Tensor x = full({2}, 1, DType::f64);
  const auto refusal = [&](const Velocity& v, const std::vector<double>& times, const OdeOptions& options) {
    return tests::message_of<Error>([&] { static_cast<void>(solve_ode(v, x, times, options)); });
  };
  CHECK(refusal(velocity, {0}, {}) == "[solve_ode] needs two times or more, got 1");
  CHECK(refusal(velocity, {0, 1, 1}, {}) ==
        "[solve_ode] the times must rise or fall strictly; time 2 is 1.000000 after 1.000000");
  CHECK(refusal(velocity, {0, NAN}, {}).find("must be finite") != std::string::npos);
  CHECK(refusal(velocity, {0, 1}, {.method = OdeMethod::adams_bashforth, .order = 5}) ==
        "the order of Adams-Bashforth must be 2 to 4, got 5");
  CHECK(refusal(velocity, {0, 1}, {.absolute_tolerance = 0, .relative_tolerance = 0}).find("one of them above 0") !=
        std::string::npos);
  CHECK(refusal([](const Tensor&, double) { return zeros({3}); }, {0, 1}, {}) ==
        "[solve_ode] the velocity must have the shape of x, [2], got [3]");
  const Velocity blows_up = [](const Tensor& y, double) { return square(y) * 3.0; };  // infinite at t = 1/3
  CHECK(refusal(blows_up, {0, 1}, {.method = OdeMethod::dopri5}).find("[solve_ode] ") == 0);
  CHECK(refusal(velocity, {0, 1}, {.method = OdeMethod::dopri5, .max_evaluations = 5}).find("may use no more than 5") !=
        std::string::npos);
}

}  // namespace ditharos::test_ode
