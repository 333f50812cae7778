// Schedules, objectives and guidance: the papers' identities, and PyTorch's losses.
#include <doctest/doctest.h>

#include <cmath>

#include <ditharos/autograd/engine.h>
#include <ditharos/autograd/ops.h>
#include <ditharos/models/diffusion/flow.h>
#include <ditharos/models/diffusion/gaussian.h>
#include <ditharos/models/diffusion/guidance.h>
#include <ditharos/models/diffusion/likelihood.h>
#include "tests/support/golden_dit.h"

using namespace ditharos;
using namespace ditharos::models;
using ditharos::tests::difference;
using ditharos::tests::Golden;

namespace {

Tensor steps_of(const std::vector<int64_t>& t) { return from_vector(t); }

/// A network that returns one given tensor.
Denoiser constant(const Tensor& output) {
  return [output](const Tensor&, const Tensor&) { return output; };
}

}  // namespace

TEST_CASE("schedule: betas") {
  const std::vector<double> linear = make_betas(BetaSchedule::linear, 1000);
  CHECK_EQ(linear.front(), doctest::Approx(1e-4).epsilon(1e-12));
  CHECK_EQ(linear.back(), doctest::Approx(.02).epsilon(1e-12));
  CHECK_EQ(linear[500] - linear[499], doctest::Approx((.02 - 1e-4) / 999).epsilon(1e-9));
  CHECK_EQ(make_betas(BetaSchedule::linear, 100).back(), doctest::Approx(.2).epsilon(1e-12));

  const std::vector<double> cosine = make_betas(BetaSchedule::squaredcos_cap_v2, 1000);
  double a_bar = 1;  // the product of 1 - beta is the squared cosine, until the cap
  for (size_t t = 0; t < 900; ++t) a_bar *= 1 - cosine[t];
  const auto f = [](double u) { return std::pow(std::cos((u + .008) / 1.008 * std::acos(-1.0) / 2), 2); };
  CHECK_EQ(a_bar, doctest::Approx(f(.9) / f(0)).epsilon(1e-9));
  CHECK_EQ(cosine.back(), .999);
  CHECK_THROWS_AS(make_betas(BetaSchedule::linear, 10), ConfigError);  // beta would exceed 1
  CHECK_THROWS_AS(make_betas(BetaSchedule::linear, 0), ConfigError);
}

TEST_CASE("schedule: respacing") {
  CHECK_EQ(respaced_steps(1000, "").size(), 1000);
  const std::vector<int64_t> ddim = respaced_steps(1000, "ddim50");
  CHECK_EQ(ddim.size(), 50);
  CHECK_EQ(ddim[1], 20);
  CHECK_EQ(ddim.back(), 980);
  const std::vector<int64_t> even = respaced_steps(1000, "250");
  CHECK_EQ(even.size(), 250);
  CHECK_EQ(even.front(), 0);
  CHECK_EQ(even.back(), 999);
  CHECK(respaced_steps(1000, "8") == std::vector<int64_t>{0, 143, 285, 428, 571, 714, 856, 999});
  CHECK(respaced_steps(10, "1") == std::vector<int64_t>{9});
  CHECK(respaced_steps(6, "5") == std::vector<int64_t>{0, 1, 2, 4, 5});  // 2.5 rounds to even
  // Sections of 4, 3 and 3 steps.
  CHECK(respaced_steps(10, "2,1,3") == std::vector<int64_t>{0, 3, 6, 7, 8, 9});
  for (const char* bad :
       {"0", "-5", "x", "10,,3", "2000", "ddim", "ddim600", " 5", "5 ", "1.5", "99999999999999999999"}) {
    CAPTURE(bad);
    CHECK_THROWS_AS(respaced_steps(1000, bad), ConfigError);
  }
}

TEST_CASE("schedule: the posterior is Bayes' rule, and respacing keeps alpha-bar") {
  const std::vector<double> betas = make_betas(BetaSchedule::linear, 1000);
  const DiffusionTables all(betas, respaced_steps(1000, "")), some(betas, respaced_steps(1000, "20"));
  for (int64_t i = 0; i < some.steps(); ++i) {
    const size_t s = size_t(i);
    CHECK_EQ(some.a_bar[s], all.a_bar[size_t(some.original_step[s])]);
    // Of q(x_t | x_{t-1}) = N(sqrt(1 - beta) x_{t-1}, beta) and q(x_{t-1} | x_0) = N(sqrt(a) x_0, 1 - a).
    const double a = some.a_bar_previous[s], beta = some.beta[s];
    if (i == 0) continue;  // x_0 is certain there
    const double precision = (1 - beta) / beta + 1 / (1 - a);
    CHECK_EQ(some.posterior_variance[s], doctest::Approx(1 / precision).epsilon(1e-9));
    CHECK_EQ(some.posterior_x0[s], doctest::Approx(std::sqrt(a) / (1 - a) / precision).epsilon(1e-9));
    CHECK_EQ(some.posterior_xt[s], doctest::Approx(std::sqrt(1 - beta) / beta / precision).epsilon(1e-9));
    CHECK_EQ(some.posterior_log_variance[s], doctest::Approx(std::log(some.posterior_variance[s])));
  }
  CHECK_EQ(some.posterior_x0[0], doctest::Approx(1));
  CHECK_EQ(some.posterior_xt[0], 0);
  CHECK_EQ(some.posterior_log_variance[0], some.posterior_log_variance[1]);
  CHECK(std::isfinite(DiffusionTables(betas, {500}).posterior_log_variance[0]));
  CHECK_THROWS_AS(DiffusionTables(betas, {3, 3}), ConfigError);
  CHECK_THROWS_AS(DiffusionTables(betas, {1000}), ConfigError);
}

TEST_CASE("likelihood: the probabilities of all 256 pixel values sum to one") {
  std::vector<double> pixels;
  for (int i = 0; i < 256; ++i) pixels.push_back(i / 127.5 - 1);
  const Tensor x = from_vector(pixels), ones = full({256}, 1, DType::f64);
  for (const double mean : {-.9, .2, 1.1}) {
    for (const double log_variance : {-8., -3., 0.}) {
      const Tensor nll = discretized_normal_nll(x, ones * mean, ones * log_variance);
      CHECK_EQ(sum(exp(-nll)).item(), doctest::Approx(1).epsilon(1e-6));
    }
  }
}

TEST_CASE("likelihood: divergence of two normal distributions") {
  const auto kl = [](double m1, double v1, double m2, double v2) {
    const auto s = [](double v) { return scalar(v, DType::f64); };
    return normal_kl(s(m1), s(std::log(v1)), s(m2), s(std::log(v2))).item();
  };
  CHECK_EQ(kl(.3, 2, .3, 2), doctest::Approx(0));
  CHECK_EQ(kl(1, 1, 0, 1), doctest::Approx(.5));
  CHECK_EQ(kl(0, 4, 0, 1), doctest::Approx(.5 * (4 - 1 - std::log(4))));
}

TEST_CASE("gaussian: from the true noise, x0 and the posterior's mean come out") {
  for (const Variance variance : {Variance::fixed_small, Variance::fixed_large}) {
    const GaussianDiffusion diffusion({.variance = variance});
    Generator rng(1);
    const Tensor x0 = rng.normal({3, 2, 2, 2}), noise = rng.normal(x0.shape()), t = steps_of({0, 1, 500});
    const Tensor xt = diffusion.q_sample(x0, t, noise);
    const GaussianDiffusion::Prediction p = diffusion.predict(noise, xt, t);
    CHECK_LT(difference(p.x0, x0), 1e-4);
    CHECK_LT(difference(p.mean, diffusion.posterior_mean(x0, xt, t)), 1e-5);
    const auto& tables = diffusion.tables();
    const bool large = variance == Variance::fixed_large;
    const double want = large ? std::log(tables.beta[500]) : tables.posterior_log_variance[500];
    CHECK_EQ(select(p.log_variance, 0, 2).to_vector<double>()[3], doctest::Approx(want).epsilon(1e-6));
    CHECK_EQ(select(p.log_variance, 0, 0).to_vector<double>()[0],
             doctest::Approx(tables.posterior_log_variance[0]).epsilon(1e-6));
  }
}

TEST_CASE("gaussian: clipping limits x0, and the noise agrees with it") {
  const GaussianDiffusion diffusion({.variance = Variance::fixed_small});
  Generator rng(2);
  const Tensor xt = rng.normal({2, 1, 3, 3}), t = steps_of({900, 300});
  const GaussianDiffusion::Prediction p = diffusion.predict(rng.normal(xt.shape()), xt, t, true);
  for (const double v : p.x0.to_vector<double>()) CHECK_LE(std::abs(v), 1);
  CHECK_LT(difference(diffusion.q_sample(p.x0, t, p.noise), xt), 1e-5);
}

TEST_CASE("gaussian: wrong steps, noise and outputs are refused") {
  const GaussianDiffusion diffusion({.respacing = "10"});
  const Tensor x = zeros({2, 1, 2, 2});
  CHECK_THROWS_AS(diffusion.q_sample(x, steps_of({0, 10}), x), Error);
  CHECK_THROWS_AS(diffusion.q_sample(x, steps_of({-1, 0}), x), Error);
  CHECK_THROWS_AS(diffusion.q_sample(x, steps_of({0}), x), ShapeError);
  CHECK_THROWS_AS(diffusion.q_sample(x, steps_of({0, 1}), zeros({2, 1, 2, 3})), ShapeError);
  CHECK_THROWS_WITH_AS(diffusion.predict(x, x, steps_of({0, 1})),
                       "[GaussianDiffusion] the network must return shape [2, 2, 2, 2] (noise and range of the "
                       "variance), got [2, 1, 2, 2]",
                       ShapeError);
}

TEST_CASE("gaussian: loss terms as in PyTorch") {
  const Golden golden("diffusion.golden");
  const DiT model = tests::golden_dit();
  const Denoiser network = [&](const Tensor& x, const Tensor& t) { return model(x, t, golden.at("loss.labels")); };
  const GaussianDiffusion::Terms terms =
      GaussianDiffusion().loss_terms(network, golden.at("loss.data"), golden.at("loss.t"), golden.at("loss.noise"));
  CHECK_LT(difference(terms.mse, golden.at("loss.mse")), 2e-6);
  for (int64_t i = 0; i < 4; ++i) {  // each by itself: their sizes differ by orders of magnitude
    CAPTURE(i);
    // Step 0 takes logarithms of small differences between two numbers near 1, which float32 knows to 6e-8.
    CHECK_LT(difference(select(terms.vb, 0, i), select(golden.at("loss.vb"), 0, i)), i == 0 ? 2e-4 : 1e-5);
  }
}

TEST_CASE("gaussian: the squared error trains the noise alone, the bound the variance alone") {
  const GaussianDiffusion diffusion;
  Generator rng(4);
  const Tensor data = clamp(rng.normal({3, 1, 4, 4}), -1, 1), t = steps_of({0, 10, 700});
  const Tensor output = (rng.normal({3, 2, 4, 4}) * .5).set_requires_grad();
  const GaussianDiffusion::Terms terms = diffusion.loss_terms(constant(output), data, t, rng.normal(data.shape()));
  const Tensor of_mse = grad(sum(terms.mse), output), of_vb = grad(sum(terms.vb), output);
  for (int64_t i = 0; i < 3; ++i) {
    const auto largest = [&](const Tensor& g, int64_t half) {
      return amax(abs(select(select(g, 0, i), 0, half))).item();
    };
    CHECK_GT(largest(of_mse, 0), 0);
    CHECK_EQ(largest(of_mse, 1), 0);
    CHECK_EQ(largest(of_vb, 0), 0);
    CHECK_GT(largest(of_vb, 1), 0);
  }
}

TEST_CASE("gaussian: the loss is a function of the generator, and a perfect network has none") {
  const GaussianDiffusion diffusion({.variance = Variance::fixed_small});
  Generator rng(5);
  const Tensor data = rng.normal({16, 1, 2, 2});
  std::vector<double> times;
  const Denoiser zero = [&](const Tensor& x, const Tensor& t) {
    times = t.to_vector<double>();
    return zeros(x.shape());
  };
  Generator a(7), b(7), c(8);
  const Loss first = diffusion.loss(zero, data, a), again = diffusion.loss(zero, data, b);
  CHECK_EQ(first.total.item(), again.total.item());
  CHECK_NE(first.total.item(), diffusion.loss(zero, data, c).total.item());
  CHECK_EQ(first.total.item(), doctest::Approx(mean(first.per_sample).item()));
  CHECK_EQ(first.total.item(), doctest::Approx(1).epsilon(.5));  // the noise's own variance
  CHECK_EQ(diffusion.progress(999), doctest::Approx(0));
  CHECK_EQ(diffusion.progress(0), doctest::Approx(.999));

  const std::vector<double> way = diffusion.loss(zero, data, c).progress.to_vector<double>();
  for (size_t i = 0; i < way.size(); ++i) CHECK_EQ(way[i], doctest::Approx(diffusion.progress(times[i])));
}

TEST_CASE("flow: the path goes from noise to data, and the right velocity has no loss") {
  const Flow flow({.time_scale = 10});
  Generator rng(1);
  const Tensor data = rng.normal({3, 1, 2, 2}), noise = rng.normal(data.shape());
  const Tensor xt = flow.interpolate(data, noise, {0, 1, .25});
  CHECK_EQ(difference(select(xt, 0, 0), select(noise, 0, 0)), 0);
  CHECK_EQ(difference(select(xt, 0, 1), select(data, 0, 1)), 0);
  CHECK_LT(difference(select(xt, 0, 2), select(noise * .75 + data * .25, 0, 2)), 1e-6);

  CHECK_LT(sum(flow.loss_terms(constant(data - noise), data, {0, 1, .25}, noise)).item(), 1e-12);
  const Tensor off_by_two = flow.loss_terms(constant(data - noise + 2.0), data, {.1, .2, .3}, noise);
  for (const double v : off_by_two.to_vector<double>()) CHECK_EQ(v, doctest::Approx(4).epsilon(1e-5));

  std::vector<double> seen;
  const Denoiser spy = [&](const Tensor& x, const Tensor& t) {
    seen = t.to_vector<double>();
    return x;
  };
  flow.loss_terms(spy, data, {0, 1, .25}, noise);
  CHECK(seen == std::vector<double>{0, 10, 2.5});
  CHECK_EQ(flow.progress(2.5), .25);
  CHECK_THROWS_AS(flow.loss_terms(constant(zeros({3, 2, 2, 2})), data, {0, 1, .5}, noise), ShapeError);
  CHECK_THROWS_AS(flow.interpolate(data, noise, {0, 1}), ShapeError);
  CHECK_THROWS_AS(Flow({.time_scale = 0}), ConfigError);
}

TEST_CASE("flow: a shift moves the times of training and of sampling towards noise") {
  const Flow plain, shifted({.time_shift = 3});
  CHECK_EQ(shifted.shifted(0), 0);
  CHECK_EQ(shifted.shifted(1), 1);
  CHECK_EQ(shifted.shifted(.5), doctest::Approx(.25));  // .5 / (.5 + 3 * .5)
  CHECK_EQ(plain.shifted(.3), .3);

  Generator a(3), b(3);
  const std::vector<double> t = plain.sample_times(100, a), moved = shifted.sample_times(100, b);
  for (size_t i = 0; i < t.size(); ++i) CHECK_EQ(moved[i], doctest::Approx(t[i] / (t[i] + 3 * (1 - t[i]))));

  CHECK_EQ(plain.sampling_times(4), std::vector<double>{0, .25, .5, .75, 1});
  const std::vector<double> way = shifted.sampling_times(4);
  CHECK_EQ(way.size(), 5);
  CHECK_EQ(way[1], doctest::Approx(.1));
  CHECK_EQ(way[2], doctest::Approx(.25));
  // Begun later, the steps stay where the whole way's are.
  const std::vector<double> rest = shifted.sampling_times(2, way[2]);
  for (size_t i = 0; i < rest.size(); ++i) CHECK_EQ(rest[i], doctest::Approx(way[i + 2]));
  CHECK_THROWS_AS(plain.sampling_times(0), ConfigError);
  CHECK_THROWS_AS(plain.sampling_times(3, 1), ConfigError);
  CHECK_THROWS_AS(Flow({.time_shift = 0}), ConfigError);
}

TEST_CASE("flow: times are uniform or logit-normal") {
  Generator rng(3);
  const std::vector<double> uniform = Flow().sample_times(4000, rng);
  const Flow logit_normal({.time_sampling = TimeSampling::logit_normal});
  const std::vector<double> normal = logit_normal.sample_times(4000, rng);
  const auto share = [](const std::vector<double>& t, double low, double high) {
    double n = 0;
    for (const double v : t) n += v >= low && v < high;
    return n / double(t.size());
  };
  CHECK_EQ(share(uniform, 0, .25), doctest::Approx(.25).epsilon(.08));
  CHECK_EQ(share(uniform, .25, .75), doctest::Approx(.5).epsilon(.05));
  // P(sigmoid(z) < 1/4) = Phi(-ln 3) = .136
  CHECK_EQ(share(normal, 0, .25), doctest::Approx(.136).epsilon(.12));
  CHECK_EQ(share(normal, .25, .75), doctest::Approx(.728).epsilon(.05));
  CHECK_EQ(share(normal, 0, 1), 1);
}

TEST_CASE("guidance: the prediction moves away from the unconditional one") {
  // Predicts 10 * label + channel, so that labels and channels can be told apart; the null label is 3.
  int64_t calls = 0, largest_batch = 0;
  const Network network = [&](const Tensor& x, const Tensor&, const Tensor& labels) {
    ++calls;
    largest_batch = x.size(0);
    std::vector<float> out;
    for (const int64_t label : labels.to_vector<int64_t>()) {
      for (int c = 0; c < 4; ++c) out.push_back(float(10 * label + c));
    }
    return from_vector(out, {x.size(0), 4, 1, 1});
  };
  const Tensor x = zeros({2, 2, 1, 1}), t = full({2}, .5), labels = steps_of({0, 2});
  const Tensor null_label = scalar(3, DType::i64);
  const auto same = [](double time) { return time; };
  const auto run = [&](const Guidance& g) {
    return guided(network, labels, null_label, g, same)(x, t).to_vector<double>();
  };

  CHECK(run({.scale = 1}) == std::vector<double>{0, 1, 2, 3, 20, 21, 22, 23});
  CHECK_EQ(largest_batch, 2);
  // unconditional + 3 (conditional - unconditional): 30 - 90 = -60; 30 + 3 (20 - 30) = 0. The last two channels are a
  // learned variance, which stays conditional.
  CHECK(run({.scale = 3}) == std::vector<double>{-60, -59, 2, 3, 0, 1, 22, 23});
  CHECK_EQ(largest_batch, 4);
  CHECK_EQ(calls, 2);
  CHECK(run({.scale = 3, .channels = 1}) == std::vector<double>{-60, 1, 2, 3, 0, 21, 22, 23});
  CHECK(run({.scale = 3, .from = .5, .to = .6}) == std::vector<double>{-60, -59, 2, 3, 0, 1, 22, 23});
  CHECK(run({.scale = 3, .from = .6, .to = .9}) == std::vector<double>{0, 1, 2, 3, 20, 21, 22, 23});
  CHECK_EQ(largest_batch, 2);  // outside of the interval the network runs once
  const Denoiser early = guided(network, labels, null_label, {.scale = 3, .from = 0, .to = .4}, same);
  const Tensor mixed = early(x, from_vector<float>({.3f, .7f}));
  CHECK(mixed.to_vector<double>() == std::vector<double>{-60, -59, 2, 3, 20, 21, 22, 23});

  CHECK_THROWS_AS(run({.scale = 2, .channels = 3}), ConfigError);
  CHECK_THROWS_AS(run({.scale = -1}), ConfigError);
  CHECK_THROWS_AS(run({.scale = std::nan("")}), ConfigError);
  CHECK_THROWS_AS(run({.from = .5, .to = .5}), ConfigError);
  CHECK_THROWS_AS(guided(network, {}, null_label, {.scale = 2}, same), ConfigError);
  CHECK_NOTHROW(guided(network, {}, null_label, {.scale = 1}, same));
}

TEST_CASE("guidance: prompts, clips, and a time for each frame") {
  // Predicts the sum of the prompt's tokens; the null prompt is (1, 0).
  const Network network = [](const Tensor& x, const Tensor& t, const Tensor& prompts) {
    CHECK_EQ(t.size(0), x.size(0));
    const Tensor total = to(sum(to(prompts, DType::f64), {1}), DType::f32);  // [B]
    return expand(reshape(total, {x.size(0), 1, 1, 1, 1}), x.shape()) + x * 0.0;
  };
  const Tensor clips = zeros({2, 2, 3, 1, 1}), prompts = from_vector<int64_t>({1, 2, 1, 5}, {2, 2});
  const Denoiser denoiser = guided(network, prompts, from_vector<int64_t>({1, 0}),
                                   {.scale = 2, .channels = 1, .from = 0, .to = .5}, [](double t) { return t; });
  // 1 + 2 (3 - 1) = 5 on the first channel of the clip that is guided. The second clip's frames are all beyond .5; the
  // first has one frame that is not.
  const Tensor t = from_vector<float>({1, .4f, 1, .6f}, {2, 2});
  CHECK(denoiser(clips, t).to_vector<double>() == std::vector<double>{5, 3, 3, 5, 3, 3, 6, 6, 6, 6, 6, 6});
  CHECK(denoiser(clips, full({2}, .4)).to_vector<double>() ==
        std::vector<double>{5, 3, 3, 5, 3, 3, 11, 6, 6, 11, 6, 6});
  CHECK_THROWS_AS(denoiser(clips, full({3}, .4)), ShapeError);
  const Tensor label = scalar(1, DType::i64);
  CHECK_THROWS_AS(guided(network, prompts, label, {.scale = 2}, [](double t) { return t; }), ShapeError);
}
