// The options of flows and Gaussian processes: predictions, weights, distributions of times, shifts by resolution.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <numbers>

#include <ditharos/autograd/engine.h>
#include <ditharos/autograd/ops.h>
#include <ditharos/models/diffusion/frame_flow.h>
#include <ditharos/models/samplers/sampler.h>
#include "tests/support/golden.h"
#include "tests/support/message_of.h"
#include "tests/support/page_text.h"

using namespace ditharos;
using namespace ditharos::models;
using ditharos::tests::contains;
using ditharos::tests::difference;
using ditharos::tests::message_of;

namespace {

double share_below(std::vector<double> t, double bound) {
  return double(std::count_if(t.begin(), t.end(), [=](double v) { return v < bound; })) / double(t.size());
}

/// A network that knows the only image there is, and predicts `kind`.
Denoiser perfect(const Path& path, PredictionKind kind, const Tensor& data) {
  return [=](const Tensor& x, const Tensor& t) {
    std::vector<PathPoint> points;
    for (const double time : t.to_vector<double>()) points.push_back(path.at(time));
    return convert(expand(data, x.shape()), PredictionKind::x0, kind, x, points);
  };
}

}  // namespace

TEST_CASE("flow options: a perfect network of any kind has no loss, and its samples are the data") {
  Generator rng(1);
  const Tensor data = rng.normal({1, 2, 2, 2}, DType::f64), noise = rng.normal({5, 2, 2, 2}, DType::f64);
  for (const PathKind path : {PathKind::linear, PathKind::gvp, PathKind::vp}) {
    for (const PredictionKind kind : {PredictionKind::eps, PredictionKind::x0, PredictionKind::v,
                                      PredictionKind::velocity, PredictionKind::score}) {
      CAPTURE(name_of(path));
      CAPTURE(name_of(kind));
      const FlowConfig config{.path = path, .prediction = kind};
      const Flow flow(config);
      const Denoiser network = perfect(flow.path(), kind, data);
      CHECK_LT(flow.loss(network, expand(data, {5, 2, 2, 2}), rng).total.item(), 1e-9);
      const Network free = [&](const Tensor& x, const Tensor& t, const Tensor&) { return network(x, t); };
      // Heun's method asks for the prediction at the end, where this network has none if the end is data.
      const SamplerKind sampler = flow.sampling_interval().end == 1 ? SamplerKind::euler : SamplerKind::heun;
      const Tensor sampled = sample({.kind = ProcessKind::flow, .flow = config}, {.kind = sampler, .steps = 400}, free,
                                    {}, {}, noise, rng);
      CHECK_LT(difference(sampled, expand(data, noise.shape())), .05);
    }
  }
}

TEST_CASE("flow options: weighted losses of noise and score are losses of the velocity") {
  Generator rng(2);
  const Tensor data = rng.normal({3, 1, 2, 2}, DType::f64), noise = rng.normal(data.shape(), DType::f64);
  const std::vector<double> t{.1, .5, .9};
  for (const PathKind path : {PathKind::linear, PathKind::gvp, PathKind::vp}) {
    for (const PredictionKind kind : {PredictionKind::eps, PredictionKind::score}) {
      const Tensor output = rng.normal(data.shape(), DType::f64);
      const Flow weighted({.path = path, .prediction = kind, .weighting = LossWeighting::velocity});
      const Flow velocity({.path = path});
      std::vector<PathPoint> points;
      for (const double time : t) points.push_back(Path(path).at(time));
      const Tensor xt = weighted.interpolate(data, noise, t);
      const Tensor converted = convert(output, kind, PredictionKind::velocity, xt, points);
      const auto returns = [](const Tensor& y) { return [y](const Tensor&, const Tensor&) { return y; }; };
      CHECK_LT(difference(weighted.loss_terms(returns(output), data, t, noise),
                          velocity.loss_terms(returns(converted), data, t, noise)),
               1e-10);
    }
  }
}

TEST_CASE("flow options: distributions of the times") {
  Generator rng(3);
  const int64_t n = 20000;
  const Flow moved({.time_sampling = TimeSampling::logit_normal, .logit_mean = 1, .logit_scale = .5});
  const std::vector<double> normal = moved.sample_times(n, rng);
  const auto logit = [](double t) { return std::log(t / (1 - t)); };
  // P(t < u) = Phi((logit(u) - 1) / .5); Phi(-1) = .1587, Phi(0) = .5, Phi(1) = .8413.
  CHECK_EQ(share_below(normal, 1 / (1 + std::exp(-.5))), doctest::Approx(.1587).epsilon(.05));
  CHECK_EQ(share_below(normal, 1 / (1 + std::exp(-1))), doctest::Approx(.5).epsilon(.03));
  CHECK_EQ(share_below(normal, 1 / (1 + std::exp(-1.5))), doctest::Approx(.8413).epsilon(.02));
  double mean = 0;
  for (const double t : normal) mean += logit(t) / double(n);
  CHECK_EQ(mean, doctest::Approx(1).epsilon(.03));

  const double s = 1.29;
  const Flow modes({.time_sampling = TimeSampling::mode, .mode_scale = s});
  const std::vector<double> t = modes.sample_times(n, rng);
  for (const double u : {.1, .25, .5, .8}) {  // P(t < f(u)) = u, as f grows
    const double c = std::cos(std::numbers::pi / 2 * (1 - u));
    CHECK_EQ(share_below(t, 1 - ((1 - u) + s * (c * c - 1 + (1 - u)))), doctest::Approx(u).epsilon(.05));
  }
  CHECK_GT(share_below(t, .75) - share_below(t, .25), .55);  // more of the middle than a uniform time
}

TEST_CASE("flow options: the shift grows with the resolution") {
  CHECK_EQ(resolution_shift(1024 * 1024, 256 * 256), 4);
  CHECK_EQ(resolution_shift(256, 256), 1);
  CHECK_THROWS_AS(resolution_shift(0, 256), ConfigError);
  const FlowConfig config{.time_shift = 1.5, .shift_base_pixels = 16 * 16, .pixels = 32 * 32};
  CHECK_EQ(config.shift(), 3);
  CHECK_EQ(Flow(config).shifted(.5), doctest::Approx(.25));
  CHECK_EQ(Flow({.time_shift = 1.5, .pixels = 32 * 32}).shifted(.5), doctest::Approx(.4));
}

TEST_CASE("flow options: what does not go together is refused") {
  const auto said = [](const FlowConfig& config) { return message_of<ConfigError>([&] { Flow{config}; }); };
  CHECK(contains(said({.weighting = LossWeighting::likelihood}),
                 "the loss weighting \"likelihood\" is for a network that predicts score or eps"));
  CHECK(contains(said({.prediction = PredictionKind::x0, .weighting = LossWeighting::velocity}), "choose \"none\""));
  CHECK(contains(said({.logit_scale = 0}), "logit_scale must be positive, got 0"));
  CHECK(contains(said({.logit_mean = std::nan("")}), "logit_mean must be finite"));
  CHECK(contains(said({.mode_scale = 1.8}), "mode_scale must be in [-1, 1.75"));
  CHECK(contains(said({.shift_base_pixels = 256}), "needs the number of pixels"));
  CHECK(contains(said({.train_eps = .5}), "must be in [0, .5)"));
  CHECK(contains(said({.sample_eps = -1}), "must be in [0, .5)"));
  CHECK(contains(message_of<ConfigError>([] { FrameFlow{{.flow = {.path = PathKind::vp}}}; }), "need the linear path"));
  const Flow flow({.prediction = PredictionKind::eps});
  const Denoiser same = [](const Tensor& x, const Tensor&) { return x; };
  CHECK_THROWS_AS(flow.velocity(same, zeros({1, 2}), 0), ConfigError);  // eps says nothing of the data there
  CHECK_NOTHROW(flow.velocity(same, zeros({1, 2}), flow.sampling_interval().begin));
}

TEST_CASE("gaussian options: predictions of x0 and v give the same process as eps") {
  Generator rng(4);
  const Tensor data = clamp(rng.normal({3, 1, 2, 2}, DType::f64), -1, 1), t = from_vector<int64_t>({0, 300, 900});
  const Tensor noise = rng.normal(data.shape(), DType::f64), eps = rng.normal(data.shape(), DType::f64);
  const GaussianDiffusion with_eps({.variance = Variance::fixed_small});
  const Tensor xt = with_eps.q_sample(data, t, noise);
  const GaussianDiffusion::Prediction want = with_eps.predict(eps, xt, t), clipped = with_eps.predict(eps, xt, t, true);
  std::vector<PathPoint> points;
  for (const int64_t step : t.to_vector<int64_t>()) points.push_back(with_eps.point(step));
  for (const PredictionKind kind : {PredictionKind::x0, PredictionKind::v}) {
    CAPTURE(name_of(kind));
    const GaussianDiffusion diffusion({.variance = Variance::fixed_small, .prediction = kind});
    const Tensor output = convert(eps, PredictionKind::eps, kind, xt, points);
    const GaussianDiffusion::Prediction p = diffusion.predict(output, xt, t);
    const GaussianDiffusion::Prediction c = diffusion.predict(output, xt, t, true);
    CHECK_LT(difference(p.x0, want.x0), 1e-9);
    CHECK_LT(difference(p.noise, want.noise), 1e-9);
    CHECK_LT(difference(p.mean, want.mean), 1e-9);
    CHECK_LT(difference(c.x0, clipped.x0), 1e-9);
    CHECK_LT(difference(c.noise, clipped.noise), 1e-9);
    // A perfect network has no loss.
    const Tensor perfect = convert(data, PredictionKind::x0, kind, xt, points);
    const auto terms = diffusion.loss_terms([&](const Tensor&, const Tensor&) { return perfect; }, data, t, noise);
    CHECK_LT(sum(terms.mse).item(), 1e-12);
  }
}

TEST_CASE("gaussian options: min-SNR weights as Hang et al. give them for each prediction") {
  const double gamma = 5;
  for (const PredictionKind kind : {PredictionKind::eps, PredictionKind::x0, PredictionKind::v}) {
    const GaussianDiffusion diffusion({.variance = Variance::fixed_small, .prediction = kind, .min_snr_gamma = gamma});
    for (const int64_t step : {0, 100, 400, 999}) {
      const double a = diffusion.tables().a_bar[size_t(step)], snr = a / (1 - a), most = std::min(snr, gamma);
      const double want = kind == PredictionKind::x0    ? most
                          : kind == PredictionKind::eps ? most / snr
                                                        : most / (snr + 1);
      CHECK_EQ(diffusion.loss_weight(step), doctest::Approx(want).epsilon(1e-10));
    }
    Generator rng(5);
    const Tensor data = rng.normal({2, 1, 2, 2}, DType::f64), t = from_vector<int64_t>({100, 700});
    const auto terms = diffusion.loss_terms([](const Tensor& x, const Tensor&) { return x * .3; }, data, t,
                                            rng.normal(data.shape(), DType::f64));
    for (int64_t i = 0; i < 2; ++i)
      CHECK_EQ(select(terms.loss, 0, i).item(),
               doctest::Approx(select(terms.mse, 0, i).item() * diffusion.loss_weight(i == 0 ? 100 : 700)));
  }
}

TEST_CASE("gaussian options: the variational bound trains mean and variance, the squared error not") {
  Generator rng(6);
  const Tensor data = clamp(rng.normal({2, 1, 2, 2}), -1, 1), t = from_vector<int64_t>({30, 700});
  const Tensor output = (rng.normal({2, 2, 2, 2}) * .5).set_requires_grad();
  const GaussianDiffusion diffusion({.loss = GaussianLoss::kl});
  const auto terms =
      diffusion.loss_terms([&](const Tensor&, const Tensor&) { return output; }, data, t, rng.normal(data.shape()));
  CHECK_EQ(difference(terms.loss, terms.vb), 0);
  CHECK_FALSE(terms.mse.requires_grad());
  const Tensor g = grad(sum(terms.loss), output);
  for (int64_t half = 0; half < 2; ++half) CHECK_GT(amax(abs(select(g, 1, half))).item(), 0);
}

TEST_CASE("gaussian options: zero terminal SNR") {
  Generator rng(7);
  const Tensor data = rng.normal({2, 1, 2, 2}), noise = rng.normal(data.shape());
  for (const BetaSchedule schedule :
       {BetaSchedule::linear, BetaSchedule::scaled_linear, BetaSchedule::squaredcos_cap_v2, BetaSchedule::sigmoid}) {
    for (const PredictionKind kind : {PredictionKind::v, PredictionKind::x0}) {
      const GaussianConfig config{.schedule = schedule,
                                  .variance = Variance::fixed_large,
                                  .zero_terminal_snr = true,
                                  .prediction = kind,
                                  .min_snr_gamma = 5};
      const GaussianDiffusion diffusion(config);
      const Tensor last = from_vector<int64_t>({999, 999});
      CHECK_EQ(difference(diffusion.q_sample(data, last, noise), noise), 0);
      CHECK_EQ(diffusion.tables().beta.back(), 1);
      const double first = GaussianDiffusion({.schedule = schedule}).tables().a_bar[0];
      CHECK_EQ(diffusion.tables().a_bar[0], doctest::Approx(first).epsilon(1e-13));
      CHECK_EQ(diffusion.loss_weight(999), 0);
      // A perfect network samples the data with every sampler, from the step of noise alone.
      const Tensor image = select(data, 0, 0);
      const Network network = [&](const Tensor& x, const Tensor& t, const Tensor&) {
        std::vector<PathPoint> points;
        for (const double step : t.to_vector<double>()) points.push_back(diffusion.point(int64_t(step)));
        return convert(expand(image, x.shape()), PredictionKind::x0, kind, x, points);
      };
      for (const SamplerKind sampler : {SamplerKind::ddim, SamplerKind::ddpm}) {
        const Tensor got = sample({.kind = ProcessKind::gaussian, .gaussian = config}, {.kind = sampler, .steps = 10},
                                  network, {}, {}, noise, rng);
        CHECK_LT(difference(got, expand(image, noise.shape())), 1e-3);
      }
    }
  }
}

TEST_CASE("gaussian options: what does not go together is refused") {
  const auto said = [](const GaussianConfig& config) {
    return message_of<ConfigError>([&] { GaussianDiffusion{config}; });
  };
  CHECK(contains(said({.zero_terminal_snr = true}), "eps says nothing of the data there"));
  CHECK(contains(said({.prediction = PredictionKind::velocity}), "predicts eps, x0 or v, not velocity"));
  CHECK(contains(said({.prediction = PredictionKind::score}), "not score"));
  CHECK(contains(said({.min_snr_gamma = -1}), "min_snr_gamma must be 0 (none) or positive, got -1"));
  CHECK(contains(said({.loss = GaussianLoss::kl, .min_snr_gamma = 5}), "does not go with a loss of kl"));
  CHECK(contains(said({.schedule = BetaSchedule::sigmoid, .steps = 1}), "needs from 2 to"));
  CHECK_THROWS_AS(rescale_zero_terminal_snr({.1}), ConfigError);
  CHECK_THROWS_AS(rescale_zero_terminal_snr({.1, 1}), ConfigError);
  const GaussianDiffusion v({.variance = Variance::fixed_large, .prediction = PredictionKind::v});
  CHECK_THROWS_AS(v.point(1000), Error);
  CHECK_THROWS_AS(v.point(-1), Error);
  CHECK_THROWS_WITH_AS(v.predict(zeros({1, 2, 2, 2}), zeros({1, 1, 2, 2}), from_vector<int64_t>({3})),
                       "[GaussianDiffusion] the network must return shape [1, 1, 2, 2] (v), got [1, 2, 2, 2]",
                       ShapeError);
}
