// Samplers: PyTorch's trajectories, and processes whose result is known.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <stdexcept>
#include <string>

#include <ditharos/autograd/node.h>
#include <ditharos/autograd/ops.h>
#include <ditharos/models/samplers/ddim.h>
#include <ditharos/models/samplers/ddpm.h>
#include <ditharos/models/samplers/euler.h>
#include <ditharos/models/samplers/heun.h>
#include <ditharos/models/samplers/sampler.h>
#include "tests/support/golden_dit.h"
#include "tests/support/tensor_cases.h"

using namespace ditharos;
using namespace ditharos::models;
using ditharos::tests::difference;
using ditharos::tests::Golden;

namespace {

/// The model of the golden files with the labels of its trajectories.
Denoiser golden_network(const Golden& golden) {
  return [model = tests::golden_dit(), labels = golden.at("sample.labels")](const Tensor& x, const Tensor& t) {
    return model(x, t, labels);
  };
}

/// alpha-bar at the time that the network is given.
double a_bar_at(const GaussianDiffusion& diffusion, const Tensor& t) {
  const std::vector<int64_t>& steps = diffusion.tables().original_step;
  const auto it = std::lower_bound(steps.begin(), steps.end(), int64_t(t.to_vector<double>()[0]));
  return diffusion.tables().a_bar[size_t(it - steps.begin())];
}

/// Knows that all data is `target`: the exact noise is (x - sqrt(a_bar) target) / sqrt(1 - a_bar).
Denoiser exact_network(const GaussianDiffusion& diffusion, const Tensor& target) {
  return [&diffusion, target](const Tensor& x, const Tensor& t) {
    const double a = a_bar_at(diffusion, t);
    return (x - target * std::sqrt(a)) / std::sqrt(1 - a);
  };
}

}  // namespace

TEST_CASE("samplers: DDPM, DDIM, its inversion, Euler and Heun as in PyTorch") {
  const Golden golden("diffusion.golden");
  const Denoiser network = golden_network(golden);
  const Tensor start = golden.at("sample.start"), noises = golden.at("ddpm.noises");
  const double tolerance = 5e-6;  // PyTorch's side was computed in double

  const GaussianDiffusion ddpm({.respacing = "8"});
  const GaussianDiffusion ddim({.schedule = BetaSchedule::squaredcos_cap_v2, .respacing = "ddim8"});
  Tensor x = start, y = start;
  for (int64_t t = 7; t >= 0; --t) {
    x = ddpm_step(ddpm, network, x, t, select(noises, 0, t));
    y = ddim_step(ddim, network, y, t, select(noises, 0, t), .5);
  }
  CHECK_LT(difference(x, golden.at("ddpm.end")), tolerance);
  CHECK_LT(difference(y, golden.at("ddim.end")), tolerance);
  Generator unused(1);
  CHECK_LT(difference(sample_ddim(ddim, network, start, unused), golden.at("ddim0.end")), tolerance);
  CHECK_EQ(unused.offset(), 0);
  CHECK_LT(difference(invert_ddim(ddim, network, golden.at("inversion.start")), golden.at("inversion.end")), tolerance);

  const Denoiser velocity = [&](const Tensor& v, const Tensor& t) { return slice(network(v, t), 1, 0, 3); };
  CHECK_LT(difference(sample_euler(Flow({.time_scale = 1000}), velocity, start, 6), golden.at("euler.end")), tolerance);
  CHECK_LT(difference(sample_heun(Flow(), velocity, start, 4), golden.at("heun.end")), tolerance);
}

TEST_CASE("samplers: with the exact noise, DDPM and DDIM end at the data") {
  Generator rng(2);
  const Tensor target = clamp(rng.normal({2, 1, 3, 3}), -1, 1), noise = rng.normal(target.shape());
  for (const char* respacing : {"25", "ddim20", "1"}) {
    CAPTURE(respacing);
    const GaussianDiffusion diffusion({.respacing = respacing, .variance = Variance::fixed_small});
    const Denoiser network = exact_network(diffusion, target);
    for (const bool clip : {false, true}) {
      CHECK_LT(difference(sample_ddpm(diffusion, network, noise, rng, {.clip = clip}), target), 1e-4);
      CHECK_LT(difference(sample_ddim(diffusion, network, noise, rng, {.clip = clip}), target), 1e-4);
      CHECK_LT(difference(sample_ddim(diffusion, network, noise, rng, {.eta = 1, .clip = clip}), target), 1e-4);
    }
  }
}

TEST_CASE("regression 24: one step of DDPM or DDIM calls the network at the last time") {
  Generator rng(9);
  const Tensor noise = rng.normal({1, 1, 2, 2});
  const auto times_of = [&](const char* respacing, bool ddim, int64_t steps = 1000) {
    const GaussianDiffusion diffusion({.steps = steps, .respacing = respacing, .variance = Variance::fixed_small});
    std::vector<double> times;
    const Denoiser network = [&](const Tensor& x, const Tensor& t) {
      times.push_back(t.to_vector<double>()[0]);
      return x;
    };
    const Tensor end = ddim ? sample_ddim(diffusion, network, noise, rng) : sample_ddpm(diffusion, network, noise, rng);
    for (const double v : end.to_vector<double>()) CHECK(std::isfinite(v));
    return times;
  };
  for (const bool ddim : {false, true}) {
    CHECK(times_of("1", ddim) == std::vector<double>{999});
    CHECK(times_of("ddim1", ddim) == std::vector<double>{999});
    CHECK(times_of("1", ddim, 21) == std::vector<double>{20});
    CHECK(times_of("2", ddim) == std::vector<double>{999, 0});  // the released samplers' from here on
    CHECK(times_of("ddim2", ddim) == std::vector<double>{500, 0});
    CHECK(times_of("1,1", ddim) == std::vector<double>{999, 499});
  }
}

TEST_CASE("regression 24: a schedule that cannot be is refused, saying what can") {
  const auto refusal = [](const GaussianConfig& config) {
    return tests::message_of<ConfigError>([&] { GaussianDiffusion{config}; });
  };
  for (const int64_t steps : {1, 2, 19, 20})
    CHECK(refusal({.steps = steps}) ==
          "the linear schedule has betas up to 20 / steps, which must be below 1: it needs"
          " from 21 to 1000000 steps, got " +
              std::to_string(steps));
  CHECK(refusal({.steps = 0}) == "a diffusion process has between 1 and 1000000 steps, got 0");
  CHECK(refusal({.steps = 1000001}) == "a diffusion process has between 1 and 1000000 steps, got 1000001");
  CHECK(refusal({.respacing = "1001"}) ==
        "a section of 1000 steps cannot be respaced to 1001; from 1 to 1000 are possible");
  CHECK(refusal({.respacing = "0"}).find("each at least 1") != std::string::npos);
  // What is accepted has finite tables, with every schedule.
  for (const BetaSchedule schedule : {BetaSchedule::linear, BetaSchedule::squaredcos_cap_v2})
    for (const int64_t steps : {1, 2, 20, 21, 22, 1000, 4000}) {
      if (schedule == BetaSchedule::linear && steps < 21) continue;
      CAPTURE(steps);
      const GaussianDiffusion diffusion({.schedule = schedule, .steps = steps});
      for (const std::vector<double>* table :
           {&diffusion.tables().beta, &diffusion.tables().a_bar, &diffusion.tables().posterior_variance,
            &diffusion.tables().posterior_log_variance, &diffusion.tables().posterior_x0})
        for (const double v : *table) REQUIRE(std::isfinite(v));
      for (const double a : diffusion.tables().a_bar) REQUIRE(a > 0);
    }
}

TEST_CASE("samplers: DDIM with eta 1 takes DDPM's steps") {
  Generator rng(3);
  const GaussianDiffusion diffusion({.respacing = "10", .variance = Variance::fixed_small});
  const Denoiser network = [](const Tensor& x, const Tensor&) { return tanh(x) * .7; };
  const Tensor x = rng.normal({2, 1, 3, 3}), noise = rng.normal(x.shape());
  for (int64_t t = 9; t >= 1; --t) {
    const Tensor ddpm = ddpm_step(diffusion, network, x, t, noise);
    CHECK_LT(difference(ddim_step(diffusion, network, x, t, noise, 1), ddpm), 1e-4);
  }
}

TEST_CASE("samplers: DDIM's inversion leads back") {
  // For normal data the exact noise is sqrt(1 - a_bar) x, a smooth field, which many steps follow closely.
  const GaussianDiffusion diffusion({.respacing = "500", .variance = Variance::fixed_small});
  const Denoiser network = [&](const Tensor& x, const Tensor& t) { return x * std::sqrt(1 - a_bar_at(diffusion, t)); };
  Generator rng(4);
  const Tensor data = rng.normal({1, 1, 2, 2});
  const Tensor noise = invert_ddim(diffusion, network, data);
  CHECK_LT(difference(sample_ddim(diffusion, network, noise, rng), data), .02);
}

TEST_CASE("samplers: Euler is of first order, Heun of second") {
  // dx/dt = -2 x + t from x(0) = 1: x(1) = 5/4 e^-2 + 1/4.
  const Denoiser field = [](const Tensor& x, const Tensor& t) {
    return x * -2.0 + to(reshape(t, x.shape()), x.dtype());
  };
  const double exact = 1.25 * std::exp(-2.0) + .25;
  const Tensor start = full({1, 1, 1, 1}, 1, DType::f64);
  const auto error = [&](const auto& sampler, int64_t steps) {
    return std::abs(sampler(Flow(), field, start, steps, nullptr).item() - exact);
  };
  CHECK_EQ(error(sample_euler, 40) / error(sample_euler, 80), doctest::Approx(2).epsilon(.05));
  CHECK_EQ(error(sample_heun, 40) / error(sample_heun, 80), doctest::Approx(4).epsilon(.05));
  CHECK_LT(error(sample_heun, 40), 1e-3);
  CHECK_THROWS_AS(sample_euler(Flow(), field, start, 0), ConfigError);
  CHECK_THROWS_AS(sample_heun(Flow(), field, start, 0), ConfigError);
}

TEST_CASE("samplers: the loop draws its noise from the generator, reports progress and can be stopped") {
  const GaussianDiffusion diffusion({.respacing = "6", .variance = Variance::fixed_large});
  const Denoiser network = [](const Tensor& x, const Tensor&) { return x * .5; };
  const Tensor noise = Generator(5).normal({1, 1, 2, 2});
  Generator by_hand(6), by_loop(6);
  Tensor x = noise;
  for (int64_t t = 5; t >= 0; --t) {
    x = ddpm_step(diffusion, network, x, t, t > 0 ? by_hand.normal(x.shape()) : Tensor{});
  }
  int64_t calls = 0;
  const SamplingProgress progress = [&](int64_t done, int64_t total, const Tensor& now) {
    CHECK_EQ(done, ++calls);
    CHECK_EQ(total, 6);
    CHECK(now.shape() == noise.shape());
  };
  CHECK_EQ(difference(sample_ddpm(diffusion, network, noise, by_loop, {.progress = progress}), x), 0);
  CHECK_EQ(calls, 6);
  CHECK_EQ(by_hand.offset(), by_loop.offset());
  const SamplingProgress stop = [](int64_t done, int64_t, const Tensor&) {
    if (done == 2) throw std::runtime_error("stop");
  };
  CHECK_THROWS_WITH(sample_ddpm(diffusion, network, noise, by_loop, {.progress = stop}), "stop");
  CHECK_THROWS_AS(ddpm_step(diffusion, network, noise, 3, zeros({1})), ShapeError);
  CHECK_THROWS_AS(ddpm_step(diffusion, network, noise, 6, noise), Error);
  CHECK_THROWS_AS(ddim_step(diffusion, network, noise, 3, noise, 1.5), ConfigError);
}

TEST_CASE("samplers: one call serves every process, and refuses what does not fit") {
  Generator rng(7);
  DiT model(
      {.height = 4, .width = 4, .channels = 2, .hidden = 8, .depth = 1, .heads = 2, .classes = 3, .learn_sigma = false},
      rng);
  for (const auto& [name, tensor] : nn::named_parameters(model)) {  // wake it up
    float* p = tensor.mutable_data<float>();
    for (const float v : (rng.normal(tensor.shape()) * .2).to_vector<float>()) *p++ = v;
  }
  const Network network = [&](const Tensor& x, const Tensor& t, const Tensor& y) { return model(x, t, y); };
  const Tensor noise = rng.normal({2, 2, 4, 4}), labels = from_vector(std::vector<int64_t>{0, 2});
  const int64_t nodes = live_nodes();

  const DiffusionConfig flow{.kind = ProcessKind::flow, .flow = {.time_scale = 100}};
  const auto run = [&](const DiffusionConfig& process, const SamplerConfig& sampler) {
    Generator steps(8);
    return sample(process, sampler, network, labels, scalar(3, DType::i64), noise, steps);
  };
  const Denoiser bound = [&](const Tensor& x, const Tensor& t) { return model(x, t, labels); };
  CHECK_EQ(
      difference(run(flow, {.kind = SamplerKind::euler, .steps = 5}), sample_euler(Flow(flow.flow), bound, noise, 5)),
      0);
  CHECK_EQ(
      difference(run(flow, {.kind = SamplerKind::heun, .steps = 5}), sample_heun(Flow(flow.flow), bound, noise, 5)), 0);
  const Tensor guided_by_3 = run(flow, {.kind = SamplerKind::euler, .steps = 5, .guidance = {.scale = 3}});
  CHECK_GT(difference(guided_by_3, run(flow, {.kind = SamplerKind::euler, .steps = 5})), 1e-4);

  const DiffusionConfig gaussian{.kind = ProcessKind::gaussian, .gaussian = {.variance = Variance::fixed_large}};
  GaussianConfig five = gaussian.gaussian;
  five.respacing = "5";
  Generator steps(8);
  CHECK_EQ(difference(run(gaussian, {.kind = SamplerKind::ddpm, .steps = 5}),
                      sample_ddpm(GaussianDiffusion(five), bound, noise, steps)),
           0);
  CHECK_EQ(difference(run(gaussian, {.kind = SamplerKind::ddim, .steps = 5}),
                      sample_ddim(GaussianDiffusion(five), bound, noise, steps)),
           0);
  CHECK_EQ(live_nodes(), nodes);  // no graph was recorded, although the parameters want gradients

  CHECK_THROWS_WITH_AS(run(flow, {.kind = SamplerKind::ddim}),
                       "the sampler ddim does not sample a flow process, which the model was trained with; choose "
                       "euler, heun, midpoint, adams_bashforth, dopri5, euler_maruyama, sde_heun, dpmpp_2m, "
                       "dpmpp_2m_sde and unipc",
                       ConfigError);
  CHECK_THROWS_AS(run(gaussian, {.kind = SamplerKind::euler}), ConfigError);
  CHECK_THROWS_AS(run(gaussian, {.kind = SamplerKind::ddpm, .steps = 1001}), ConfigError);
}
