// Samplers that draw noise: the distribution of many samples is that of the data.
#include <doctest/doctest.h>

#include <cmath>
#include <cstdio>
#include <string>

#include <ditharos/autograd/ops.h>
#include <ditharos/models/samplers/sampler.h>
#include "tests/models/samplers/gaussian_mixture.h"
#include "tests/support/message_of.h"

using namespace ditharos;
using namespace ditharos::models;
using ditharos::tests::GaussianMixture;

namespace {

constexpr int64_t samples = 20000;

/// Checks mean, variance and the share of values below some bounds, by five standard errors of independent samples and
/// `bias` for the size of the steps.
void check_moments(const std::string& name, const Tensor& x, double bias) {
  const GaussianMixture mixture;
  const double n = double(samples), mean_of = mean(x).item(), variance = mean(square(x - mean_of)).item();
  double worst = 0;
  for (const double bound : {-1.5, -.5, .5, 1.5}) {
    int64_t below = 0;
    for (const double v : x.to_vector<double>()) below += v < bound ? 1 : 0;
    worst = std::max(worst, std::abs(double(below) / n - mixture.below(bound)));
  }
  std::printf("%s: mean %.4f (exact %.4f), variance %.4f (%.4f), distribution off by %.4f\n", name.c_str(), mean_of,
              mixture.mean(), variance, mixture.variance(), worst);
  CHECK_LT(std::abs(mean_of - mixture.mean()), 5 * std::sqrt(mixture.variance() / n) + bias);
  CHECK_LT(std::abs(variance - mixture.variance()), 5 * mixture.variance() * std::sqrt(2 / n) + bias);
  CHECK_LT(worst, 5 * std::sqrt(.25 / n) + bias);
}

Tensor sample_mixture(const DiffusionConfig& process, const SamplerConfig& sampler, uint64_t seed) {
  const GaussianMixture mixture;
  const Flow flow(process.flow);
  const GaussianDiffusion diffusion(process.gaussian);
  const bool is_flow = process.kind == ProcessKind::flow;
  const Network network = [&](const Tensor& x, const Tensor& t, const Tensor&) {
    const double time = t.to_vector<double>()[0];
    return is_flow ? mixture.velocity(x, flow.path().at(time)) : mixture.noise(x, diffusion.point(int64_t(time)));
  };
  Generator rng(seed);
  const Tensor noise = rng.normal({1, samples}, DType::f64);
  return sample(process, sampler, network, {}, {}, noise, rng);
}

}  // namespace

TEST_CASE("stochastic samplers: SiT's equations sample the data with every diffusion form") {
  uint64_t seed = 1;
  for (const PathKind path : {PathKind::linear, PathKind::gvp}) {
    const DiffusionConfig process{.kind = ProcessKind::flow, .flow = {.path = path}};
    for (const DiffusionForm form :
         {DiffusionForm::constant, DiffusionForm::sbdm, DiffusionForm::sigma, DiffusionForm::linear,
          DiffusionForm::decreasing, DiffusionForm::increasing_decreasing}) {
      const SamplerConfig sampler{.kind = SamplerKind::euler_maruyama, .steps = 150, .sde = {.form = form}};
      check_moments(std::string(name_of(path)) + ", euler_maruyama, " + name_of(form),
                    sample_mixture(process, sampler, seed++), .02);
    }
    const SamplerConfig heun{.kind = SamplerKind::sde_heun, .steps = 60, .sde = {.form = DiffusionForm::sigma}};
    check_moments(std::string(name_of(path)) + ", sde_heun", sample_mixture(process, heun, seed++), .02);
  }
}

TEST_CASE("stochastic samplers: DDPM, DDIM with eta and SDE-DPM-Solver++ sample the data") {
  const DiffusionConfig gaussian{.kind = ProcessKind::gaussian, .gaussian = {.variance = Variance::fixed_small}};
  check_moments("ddpm, 250 steps", sample_mixture(gaussian, {.kind = SamplerKind::ddpm, .steps = 250}, 21), .03);
  check_moments("ddim, eta 1, 250 steps",
                sample_mixture(gaussian, {.kind = SamplerKind::ddim, .steps = 250, .eta = 1}, 22), .03);
  check_moments("dpmpp_2m_sde, 60 steps",
                sample_mixture(gaussian, {.kind = SamplerKind::dpmpp_2m_sde, .steps = 60}, 23), .02);
  const DiffusionConfig flow{.kind = ProcessKind::flow};
  check_moments("flow, dpmpp_2m_sde, 60 steps",
                sample_mixture(flow, {.kind = SamplerKind::dpmpp_2m_sde, .steps = 60}, 24), .02);
}

TEST_CASE("samplers: the deterministic ones sample the data as well, in few steps") {
  const DiffusionConfig flow{.kind = ProcessKind::flow};
  const DiffusionConfig gaussian{.kind = ProcessKind::gaussian, .gaussian = {.variance = Variance::fixed_small}};
  check_moments("flow, heun", sample_mixture(flow, {.kind = SamplerKind::heun, .steps = 25}, 31), .02);
  check_moments("flow, midpoint", sample_mixture(flow, {.kind = SamplerKind::midpoint, .steps = 25}, 32), .02);
  check_moments("flow, adams_bashforth",
                sample_mixture(flow, {.kind = SamplerKind::adams_bashforth, .steps = 30, .order = 3}, 33), .02);
  check_moments("flow, dopri5", sample_mixture(flow, {.kind = SamplerKind::dopri5}, 34), .02);
  check_moments("flow, dpmpp_2m", sample_mixture(flow, {.kind = SamplerKind::dpmpp_2m, .steps = 25}, 35), .02);
  check_moments("flow, unipc", sample_mixture(flow, {.kind = SamplerKind::unipc, .steps = 25}, 36), .02);
  for (const TimeSpacing spacing : {TimeSpacing::linspace, TimeSpacing::leading, TimeSpacing::trailing})
    check_moments(std::string("gaussian, dpmpp_2m, ") + name_of(spacing),
                  sample_mixture(gaussian, {.kind = SamplerKind::dpmpp_2m, .steps = 25, .spacing = spacing}, 37), .03);
  const SamplerConfig karras{.kind = SamplerKind::unipc, .steps = 25, .order = 3, .karras_sigmas = true};
  check_moments("gaussian, unipc, Karras", sample_mixture(gaussian, karras, 38), .03);
}

TEST_CASE("stochastic samplers: the times of SiT's equations") {
  CHECK(sde_times(Path(), {.form = DiffusionForm::sigma}, 250).size() == 250);
  CHECK_EQ(sde_times(Path(), {.form = DiffusionForm::sigma}, 250).front(), 0);
  CHECK_EQ(sde_times(Path(), {.form = DiffusionForm::sigma}, 250).back(), doctest::Approx(.96));
  CHECK_EQ(sde_times(Path(), {.form = DiffusionForm::sbdm}, 10).front(), doctest::Approx(1e-3));
  CHECK_EQ(sde_times(Path(PathKind::vp), {.form = DiffusionForm::sbdm}, 10).front(), 0);
  CHECK_EQ(sde_times(Path(), {.last_step = LastStep::none}, 10).back(), doctest::Approx(.999));
  const auto refusal = [](const SdeOptions& options, int64_t steps = 10) {
    return tests::message_of<ConfigError>([&] { static_cast<void>(sde_times(Path(), options, steps)); });
  };
  CHECK(refusal({}, 1) == "a stochastic sampler needs 2 steps or more, got 1");
  CHECK(refusal({.norm = -1}).find("must be 0 or more") != std::string::npos);
  CHECK(refusal({.last_step_size = 1}).find("above 0 and below 1") != std::string::npos);
}
