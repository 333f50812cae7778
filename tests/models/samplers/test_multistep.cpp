// DPM-Solver++ and UniPC: orders on a Gaussian mixture with its exact data prediction, grids, and misuse.
#include <doctest/doctest.h>

#include <cmath>
#include <string>

#include <ditharos/autograd/ops.h>
#include <ditharos/models/diffusion/process.h>
#include <ditharos/models/samplers/multistep/dpm_solver.h>
#include <ditharos/models/samplers/multistep/time_grid.h>
#include <ditharos/models/samplers/multistep/unipc.h>
#include <ditharos/models/samplers/ode.h>
#include <ditharos/tensor/random.h>
#include "tests/models/samplers/gaussian_mixture.h"
#include "tests/models/samplers/slope.h"
#include "tests/support/message_of.h"

using namespace ditharos;
using namespace ditharos::models;
using ditharos::tests::GaussianMixture;

namespace {

constexpr double begin_time = .02, end_time = .98;  // where lambda is finite

Tensor starts() { return Generator(1).normal({32}, DType::f64); }

std::vector<PathPoint> points_of(const Path& path, int64_t steps) {
  std::vector<PathPoint> points;
  for (const double t : even_times(begin_time, end_time, steps)) points.push_back(path.at(t));
  return points;
}

double root_mean_square(const Tensor& x) { return std::sqrt(mean(square(x)).item()); }

std::string refusal(const std::vector<PathPoint>& points, const DpmSolverOptions& options = {}) {
  return tests::message_of<ConfigError>([&] { DpmSolver(points, options); });
}

}  // namespace

TEST_CASE("multistep: DPM-Solver++ and UniPC have their orders on a Gaussian mixture") {
  const GaussianMixture mixture;
  for (const PathKind kind : {PathKind::linear, PathKind::gvp, PathKind::vp}) {
    const Path path(kind);
    const Velocity velocity = [&](const Tensor& x, double t) { return mixture.velocity(x, path.at(t)); };
    const Tensor exact =
        solve_ode(velocity, starts(), {begin_time, end_time},
                  {.method = OdeMethod::dopri5, .absolute_tolerance = 1e-13, .relative_tolerance = 1e-13})
            .x;
    const auto slope = [&](const std::string& name, const auto& make) {
      return tests::slope_of_error(std::string(name_of(kind)) + ", " + name, {64, 128, 256, 512}, [&](int64_t steps) {
        const std::vector<PathPoint> points = points_of(path, steps);
        auto solver = make(points);
        Tensor x = starts();
        for (int64_t i = 0; i < steps; ++i) {
          const Tensor data = mixture.data(x, points[size_t(i)]);
          if constexpr (std::is_same_v<decltype(solver), UniPc>) x = solver.step(x, data).next;
          else x = solver.step(x, data);
        }
        return root_mean_square(x - exact);
      });
    };
    using Points = std::vector<PathPoint>;
    CHECK_EQ(slope("DPM-Solver++ of order 1", [](const Points& p) { return DpmSolver(p, {.order = 1}); }),
             doctest::Approx(1).epsilon(.1));
    CHECK_EQ(slope("DPM-Solver++(2M)", [](const Points& p) { return DpmSolver(p); }), doctest::Approx(2).epsilon(.1));
    for (const UniPcVariant variant : {UniPcVariant::bh1, UniPcVariant::bh2})
      for (const int64_t order : {1, 2, 3}) {
        const std::string name = "UniPC-" + std::to_string(order) + ", " + name_of(variant);
        const UniPcOptions options{.order = order, .variant = variant, .lower_order_final = false};
        CHECK_GT(slope(name, [&](const Points& p) { return UniPc(p, options); }), double(order) - .15);
      }
  }
}

TEST_CASE("multistep: a step of order 1 from noise to data is the predicted data") {
  Generator rng(2);
  const Tensor x = rng.normal({4}, DType::f64), data = rng.normal({4}, DType::f64);
  const std::vector<PathPoint> points{Path().at(0), Path().at(.5), Path().at(1)};  // lambda is infinite at both ends
  DpmSolver dpm(points);
  UniPc unipc(points);
  const Tensor middle = dpm.step(x, data);
  CHECK_LT(root_mean_square(middle - (x + data) * .5), 1e-15);
  CHECK_LT(root_mean_square(dpm.step(middle, data) - data), 1e-15);
  const UniPc::Step first = unipc.step(x, data);
  CHECK_LT(root_mean_square(first.next - middle), 1e-15);
  const UniPc::Step second = unipc.step(first.next, data * 2.0);
  CHECK_LT(root_mean_square(second.next - data * 2.0), 1e-15);
  CHECK_LT(root_mean_square(second.corrected - first.next), 1e-15);  // nothing to correct with: the step was infinite
  CHECK_THROWS_AS(dpm.step(x, data), Error);
  CHECK_THROWS_AS(static_cast<void>(unipc.step(x, data)), Error);
}

TEST_CASE("multistep: grids through a discrete process") {
  CHECK(multistep_times(1000, 4, TimeSpacing::linspace) == std::vector<int64_t>{999, 749, 500, 250});
  CHECK(multistep_times(1000, 4, TimeSpacing::leading) == std::vector<int64_t>{800, 600, 400, 200});
  CHECK(multistep_times(1000, 4, TimeSpacing::trailing) == std::vector<int64_t>{999, 749, 499, 249});
  CHECK(multistep_times(1000, 1, TimeSpacing::linspace) == std::vector<int64_t>{999});
  CHECK(respaced_steps(1000, "leading4") == std::vector<int64_t>{0, 250, 500, 750});
  CHECK(respaced_steps(1000, "trailing4") == std::vector<int64_t>{249, 499, 749, 999});
  CHECK_THROWS_AS(static_cast<void>(multistep_times(1000, 1000, TimeSpacing::linspace)), ConfigError);
  CHECK_THROWS_AS(static_cast<void>(respaced_steps(10, "trailing11")), ConfigError);
  CHECK_EQ(multistep_times(1000, 1000, TimeSpacing::trailing).size(), 1000);

  const GaussianDiffusion diffusion({.variance = Variance::fixed_small});
  const SolverGrid karras = karras_grid(diffusion.tables(), 5);
  CHECK_EQ(karras.times.front(), 999);
  CHECK_EQ(karras.times.back(), 0);
  CHECK_EQ(karras.points.back().sigma, 0);
  for (size_t i = 1; i < karras.points.size(); ++i)
    CHECK_GT(half_log_snr(karras.points[i]), half_log_snr(karras.points[i - 1]));
  const SolverGrid flow = grid_of_path(Path(), {0, .25, 1});
  CHECK(flow.times == std::vector<double>{0, .25});
  CHECK_EQ(flow.points[1].alpha, .25);
}

TEST_CASE("multistep: what cannot be solved is refused in one sentence") {
  CHECK(refusal({Path().at(0)}) == "[DpmSolver] needs two points or more, got 1");
  CHECK(refusal({Path().at(.5), Path().at(.2)}).find("does not rise from point 0 to 1") != std::string::npos);
  CHECK(refusal({Path().at(0), {NAN, 1, 0, 0}}).find("must be 0 or more and not both 0") != std::string::npos);
  CHECK(refusal({Path().at(0), Path().at(1)}, {.order = 3}) == "the order of DPM-Solver++ must be 1 or 2, got 3");
  CHECK(tests::message_of<ConfigError>([] { UniPc({Path().at(0), Path().at(1)}, {.order = 4}); }) ==
        "the order of UniPC must be 1 to 3, got 4");
  DpmSolver solver({Path().at(0), Path().at(1)}, {.stochastic = true});
  const Tensor x = zeros({2});
  CHECK(tests::message_of<ShapeError>([&] { static_cast<void>(solver.step(x, zeros({3}), x)); }) ==
        "[DpmSolver] the predicted data must have the shape of x, [2], got [3]");
  CHECK(tests::message_of<ShapeError>([&] { static_cast<void>(solver.step(x, x)); }) ==
        "[DpmSolver] the noise must have the shape of x, [2], got none");
}
