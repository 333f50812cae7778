// Every sampler's trajectory from the same noise, beside those of diffusers' schedulers and of SiT's samplers.
#include <doctest/doctest.h>

#include <cmath>
#include <string>

#include <ditharos/autograd/ops.h>
#include <ditharos/models/diffusion/process.h>
#include <ditharos/models/samplers/ddim.h>
#include <ditharos/models/samplers/ddpm.h>
#include <ditharos/models/samplers/flow_solver.h>
#include <ditharos/models/samplers/multistep/dpm_solver.h>
#include <ditharos/models/samplers/multistep/time_grid.h>
#include <ditharos/models/samplers/multistep/unipc.h>
#include <ditharos/models/samplers/ode.h>
#include <ditharos/models/samplers/sampler.h>
#include <ditharos/models/samplers/sde.h>
#include "tests/support/golden.h"

namespace ditharos::test_sampler_golden {

using namespace ditharos::models;
using ditharos::tests::difference;
using ditharos::tests::Golden;

namespace {

constexpr double tolerance = 1e-4;
constexpr double trained_steps = 1000;

/// The network of the golden file, at a time in [0, 1].
Tensor network(const Tensor& x, double t) { return x * (.7 * std::sin(1.5 * t)) + tanh(x) * (.3 * std::cos(t)); }

Denoiser network_of_steps() {
  return [](const Tensor& x, const Tensor& t) { return network(x, t.to_vector<double>()[0] / trained_steps); };
}

const Golden& golden() {
  static const Golden file("sampler.golden");
  return file;
}
Tensor start() { return golden().at("start"); }
Tensor noise(int64_t step) { return select(golden().at("noise"), 0, step); }

/// Runs DPM-Solver++ or UniPC over a grid whose times are in [0, 1].
template <class Solver>
Tensor solve(Solver solver, const SolverGrid& grid, PredictionKind kind) {
  Tensor x = start();
  for (size_t i = 0; i < grid.times.size(); ++i) {
    const Tensor data = convert(network(x, grid.times[i]), kind, PredictionKind::x0, x, grid.points[i]);
    if constexpr (std::is_same_v<Solver, UniPc>) x = solver.step(x, data).next;
    else x = solver.step(x, data, noise(int64_t(i)));
  }
  return x;
}

/// A grid of diffusers, from its ratios sigma / alpha or, of a flow, its sigmas.
SolverGrid grid_of(const std::string& name, bool flow) {
  SolverGrid grid;
  for (const double s : golden().at(name + ".sigmas").to_vector<double>())
    grid.points.push_back(flow ? Path().at(1 - s) : point_of_a_bar(1 / (1 + s * s)));
  grid.times = golden().at(name + ".times").to_vector<double>();
  return grid;
}

SolverGrid grid_of_table(int64_t steps, TimeSpacing spacing) {
  const GaussianDiffusion diffusion({.variance = Variance::fixed_small});
  SolverGrid grid = grid_of_steps(diffusion.tables(), multistep_times(1000, steps, spacing));
  for (double& t : grid.times) t /= trained_steps;
  return grid;
}

}  // namespace

TEST_CASE("sampler golden: DDPM, DDIM with eta and its inversion as in diffusers") {
  const std::pair<const char*, PredictionKind> kinds[] = {
      {"epsilon", PredictionKind::eps}, {"v_prediction", PredictionKind::v}, {"sample", PredictionKind::x0}};
  for (const std::string spacing : {"leading", "trailing"}) {
    for (const auto& [name, kind] : kinds) {
      const std::string shown = spacing + "." + name;
      CAPTURE(shown);
      const GaussianDiffusion diffusion(
          {.respacing = spacing + "10", .variance = Variance::fixed_small, .prediction = kind});
      Tensor x = start(), y = start();
      for (int64_t t = 9; t >= 0; --t) {
        x = ddpm_step(diffusion, network_of_steps(), x, t, noise(9 - t));
        y = ddim_step(diffusion, network_of_steps(), y, t, noise(9 - t), .5);
      }
      CHECK_LT(difference(x, golden().at("ddpm." + spacing + "." + name)), tolerance);
      CHECK_LT(difference(y, golden().at("ddim." + spacing + "." + name)), tolerance);
    }
  }
  const GaussianDiffusion diffusion({.respacing = "leading10", .variance = Variance::fixed_small});
  CHECK_LT(difference(invert_ddim(diffusion, network_of_steps(), start(), {}, InversionTime::of_result),
                      golden().at("ddim_inverse")),
           tolerance);
}

TEST_CASE("sampler golden: DPM-Solver++ and UniPC as in diffusers, on every time spacing") {
  for (const TimeSpacing spacing : {TimeSpacing::linspace, TimeSpacing::leading, TimeSpacing::trailing}) {
    for (const int64_t steps : {8, 20}) {
      const std::string name = std::string(name_of(spacing)) + "." + std::to_string(steps);
      CAPTURE(name);
      const SolverGrid grid = grid_of_table(steps, spacing);
      const PredictionKind eps = PredictionKind::eps;
      CHECK_LT(difference(solve(DpmSolver(grid.points), grid, eps), golden().at("dpmpp_2m." + name)), tolerance);
      CHECK_LT(difference(solve(DpmSolver(grid.points, {.stochastic = true}), grid, eps),
                          golden().at("dpmpp_2m_sde." + name)),
               tolerance);
      for (const int64_t order : {1, 2, 3})
        CHECK_LT(difference(solve(UniPc(grid.points, {.order = order}), grid, eps),
                            golden().at("unipc." + name + "." + std::to_string(order))),
                 tolerance);
    }
  }
}

TEST_CASE("sampler golden: the options of DPM-Solver++ and UniPC as in diffusers") {
  const PredictionKind eps = PredictionKind::eps;
  const SolverGrid bh1 = grid_of("unipc.bh1", false);
  for (const int64_t order : {1, 2, 3})
    CHECK_LT(difference(solve(UniPc(bh1.points, {.order = order, .variant = UniPcVariant::bh1}), bh1, eps),
                        golden().at("unipc.bh1." + std::to_string(order))),
             tolerance);
  const SolverGrid high = grid_of("dpmpp_2m.high", false);
  CHECK_LT(
      difference(solve(DpmSolver(high.points, {.lower_order_final = false}), high, eps), golden().at("dpmpp_2m.high")),
      tolerance);
  CHECK_LT(difference(solve(UniPc(high.points, {.lower_order_final = false}), high, eps), golden().at("unipc.high")),
           tolerance);
  const GaussianDiffusion diffusion({.variance = Variance::fixed_small});
  SolverGrid karras = karras_grid(diffusion.tables(), 12);
  for (double& t : karras.times) t /= trained_steps;
  CHECK_LT(difference(solve(DpmSolver(karras.points), karras, eps), golden().at("dpmpp_2m.karras")), tolerance);
  CHECK_LT(difference(solve(UniPc(karras.points), karras, eps), golden().at("unipc.karras")), tolerance);
  const SolverGrid twelve = grid_of_table(12, TimeSpacing::linspace);
  const PredictionKind v = PredictionKind::v;
  CHECK_LT(difference(solve(DpmSolver(twelve.points), twelve, v), golden().at("dpmpp_2m.v")), tolerance);
  CHECK_LT(difference(solve(UniPc(twelve.points), twelve, v), golden().at("unipc.v")), tolerance);
}

TEST_CASE("sampler golden: flows in DPM-Solver++, UniPC, FlowMatchEuler and FlowMatchHeun as in diffusers") {
  // diffusers' flows predict noise - data.
  for (const std::string name : {"dpmpp_2m", "unipc"}) {
    CAPTURE(name);
    const SolverGrid grid = grid_of(name + ".flow", true);
    Tensor x = start();
    DpmSolver dpm(grid.points);
    UniPc unipc(grid.points);
    for (size_t i = 0; i < grid.times.size(); ++i) {
      const Tensor velocity = network(x, grid.times[i]) * -1.0;
      const Tensor data = convert(velocity, PredictionKind::velocity, PredictionKind::x0, x, grid.points[i]);
      x = name == "unipc" ? unipc.step(x, data).next : dpm.step(x, data);
    }
    CHECK_LT(difference(x, golden().at(name + ".flow")), tolerance);
  }
  const Velocity velocity = [](const Tensor& x, double t) { return network(x, 1 - t) * -1.0; };
  for (const std::string shift : {"1", "3"}) {
    CAPTURE(shift);
    const auto times_of = [&](const std::string& name) {
      std::vector<double> times;
      for (const double sigma : golden().at(name + shift + ".sigmas").to_vector<double>()) times.push_back(1 - sigma);
      return times;
    };
    const OdeOptions euler{.method = OdeMethod::euler}, heun{.method = OdeMethod::heun};
    CHECK_LT(
        difference(solve_ode(velocity, start(), times_of("flow_euler."), euler).x, golden().at("flow_euler." + shift)),
        tolerance);
    std::vector<double> times = times_of("flow_heun.");  // whose last step is Euler's
    const std::vector<double> last(times.end() - 2, times.end());
    times.pop_back();
    const Tensor before = solve_ode(velocity, start(), times, heun).x;
    CHECK_LT(difference(solve_ode(velocity, before, last, euler).x, golden().at("flow_heun." + shift)), tolerance);
  }
}

TEST_CASE("sampler golden: SiT's differential equations by torchdiffeq's Euler, Heun and dopri5") {
  const Denoiser model = [](const Tensor& x, const Tensor& t) { return network(x, t.to_vector<double>()[0]); };
  const std::pair<const char*, SamplerKind> methods[] = {
      {"euler", SamplerKind::euler}, {"heun2", SamplerKind::heun}, {"dopri5", SamplerKind::dopri5}};
  const auto end = [&](SamplerKind kind, const FlowConfig& flow) {
    const SamplerConfig sampler{.kind = kind, .absolute_tolerance = 1e-6, .relative_tolerance = 1e-6};
    return solve_flow(Flow(flow), model, sampler, start(), 0, 10);
  };
  for (const auto& [name, kind] : methods) {
    for (const PathKind path : {PathKind::linear, PathKind::gvp, PathKind::vp}) {
      const std::string key = std::string("ode.") + name + "." + name_of(path);
      CAPTURE(key);
      CHECK_LT(difference(end(kind, {.path = path}), golden().at(key)), tolerance);
    }
    const std::string gvp = std::string("ode.") + name + ".gvp.";
    CAPTURE(gvp);
    CHECK_LT(
        difference(end(kind, {.path = PathKind::gvp, .prediction = PredictionKind::eps}), golden().at(gvp + "noise")),
        tolerance);
    CHECK_LT(
        difference(end(kind, {.path = PathKind::gvp, .prediction = PredictionKind::score}), golden().at(gvp + "score")),
        tolerance);
  }
}

TEST_CASE("sampler golden: dopri5 takes torchdiffeq's steps") {
  const Velocity velocity = [](const Tensor& x, double t) { return network(x, 4 * t) * (3 * std::cos(12 * t)); };
  for (const auto& [name, relative] : {std::pair{"dopri5.1e-03", 1e-3}, std::pair{"dopri5.1e-05", 1e-5}}) {
    const std::string shown = name;
    CAPTURE(shown);
    const OdeResult result =
        solve_ode(velocity, start(), {0, 1},
                  {.method = OdeMethod::dopri5, .absolute_tolerance = 1e-6, .relative_tolerance = relative});
    CHECK_LT(difference(result.x, golden().at(name)), 3e-5);
    CHECK_EQ(double(result.evaluations), golden().at(std::string(name) + ".evaluations").to_vector<double>()[0]);
    CHECK_GT(result.rejected, 0);
  }
}

TEST_CASE("sampler golden: SiT's stochastic equations, all diffusion forms and last steps") {
  const Velocity velocity = network;
  const auto end = [&](PathKind kind, const SdeOptions& options) {
    const Path path(kind);
    const std::vector<double> times = sde_times(path, options, 12);
    Tensor x = start();
    for (size_t i = 0; i + 1 < times.size(); ++i)
      x = sde_step(velocity, path, options, x, times[i], times[i + 1], noise(int64_t(i)));
    return sde_last_step(velocity, path, options, x, times.back());
  };
  for (const PathKind path : {PathKind::linear, PathKind::gvp, PathKind::vp}) {
    const std::string name = name_of(path);
    for (const DiffusionForm form :
         {DiffusionForm::constant, DiffusionForm::sbdm, DiffusionForm::sigma, DiffusionForm::linear,
          DiffusionForm::decreasing, DiffusionForm::increasing_decreasing}) {
      CAPTURE(name + "." + name_of(form));
      CHECK_LT(difference(end(path, {.form = form, .norm = .7}), golden().at("sde." + name + "." + name_of(form))),
               tolerance);
    }
    for (const LastStep last : {LastStep::none, LastStep::mean, LastStep::tweedie, LastStep::euler}) {
      CAPTURE(name + "." + name_of(last));
      CHECK_LT(difference(end(path, {.form = DiffusionForm::sigma, .last_step = last}),
                          golden().at("sde." + name + ".last." + name_of(last))),
               tolerance);
    }
    const SdeOptions heun{.method = SdeMethod::heun, .form = DiffusionForm::sigma};
    SdeOptions unfinished = heun;
    unfinished.last_step = LastStep::none;
    CHECK_LT(difference(end(path, heun), golden().at("sde_heun." + name)), tolerance);
    CHECK_LT(difference(end(path, unfinished), golden().at("sde_heun." + name + ".none")), tolerance);
  }
}

}  // namespace ditharos::test_sampler_golden
