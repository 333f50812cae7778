// Tables, losses and bounds of the released code of DiT and SiT, from tests/golden/processes.safetensors.
#include <doctest/doctest.h>

#include <cmath>
#include <map>
#include <string>

#include <ditharos/autograd/ops.h>
#include <ditharos/models/diffusion/bits_per_dim.h>
#include <ditharos/models/diffusion/flow.h>
#include <ditharos/models/diffusion/gaussian.h>
#include <ditharos/tensor/io/safetensors.h>
#include "tests/support/golden.h"
#include "tests/support/paths.h"

namespace ditharos::test_released_processes {

using namespace ditharos::models;
using ditharos::tests::difference;

namespace {

Tensor stored(const std::string& name) {
  static const safetensors::Contents file = safetensors::load(tests::golden_folder() + "/processes.safetensors");
  return file.tensors.at(name);
}

std::vector<double> values(const std::string& name) { return stored(name).to_vector<double>(); }

/// The largest difference as a share of the value itself, or of 1e-300 where that is 0.
double relative(const std::vector<double>& got, const std::vector<double>& want) {
  REQUIRE_EQ(got.size(), want.size());
  double worst = 0;
  for (size_t i = 0; i < got.size(); ++i)
    if (got[i] != want[i]) worst = std::max(worst, std::abs(got[i] - want[i]) / std::max(std::abs(want[i]), 1e-300));
  return worst;
}

/// The network of the script.
Tensor network(const Tensor& x, const Tensor& t) {
  Shape one_per_sample = Shape::filled(x.rank(), 1);
  one_per_sample[0] = x.size(0);
  return tanh(x * 1.3 + reshape(to(t, x.dtype()), one_per_sample) * .002) * .8 + x * .1;
}

Denoiser network_of(Variance variance) {
  if (variance != Variance::learned_range) return network;
  return [](const Tensor& x, const Tensor& t) { return cat({network(x, t), tanh(.7 - x)}, 1); };
}

const std::map<std::string, Variance> variances{{"learned_range", Variance::learned_range},
                                                {"fixed_large", Variance::fixed_large},
                                                {"fixed_small", Variance::fixed_small}};
const std::map<std::string, PredictionKind> kinds{{"eps", PredictionKind::eps}, {"x0", PredictionKind::x0}};
const std::map<std::string, PathKind> paths{{"linear", PathKind::linear}, {"gvp", PathKind::gvp}, {"vp", PathKind::vp}};
const std::map<std::string, PredictionKind> released_kinds{
    {"velocity", PredictionKind::velocity}, {"noise", PredictionKind::eps}, {"score", PredictionKind::score}};

}  // namespace

TEST_CASE("released processes: tables of the schedules") {
  const std::map<std::string, BetaSchedule> schedules{{"linear", BetaSchedule::linear},
                                                      {"squaredcos_cap_v2", BetaSchedule::squaredcos_cap_v2},
                                                      {"scaled_linear", BetaSchedule::scaled_linear}};
  const std::vector<double> picked = values("picked");
  const auto pick = [&](const std::vector<double>& table) {
    std::vector<double> some;
    for (const double step : picked) some.push_back(table.at(size_t(step)));
    return some;
  };
  for (const auto& [name, schedule] : schedules) {
    const std::string shown = name;
    for (const bool zero_terminal : {false, true}) {
      CAPTURE(shown);
      CAPTURE(zero_terminal);
      std::vector<double> betas = make_betas(schedule, 1000);
      if (zero_terminal) betas = rescale_zero_terminal_snr(betas);
      const DiffusionTables tables(betas, respaced_steps(1000, ""));
      const std::string at = "tables/" + name + (zero_terminal ? "/zero_terminal/" : "/");
      // A table's difference from 1 is what carries the digits of small values, so that some are known to 1e-12 of 1.
      CHECK_LT(relative(pick(betas), values(at + "beta")), 1e-11);
      CHECK_LT(difference(from_vector(pick(tables.beta)), stored(at + "beta")), 1e-12);
      CHECK_LT(difference(from_vector(pick(tables.a_bar)), stored(at + "a_bar")), 1e-12);
      CHECK_LT(difference(from_vector(pick(tables.posterior_variance)), stored(at + "posterior_variance")), 1e-12);
      CHECK_LT(difference(from_vector(pick(tables.posterior_log_variance)), stored(at + "posterior_log_variance")),
               1e-12);
      CHECK_LT(difference(from_vector(pick(tables.posterior_x0)), stored(at + "posterior_x0")), 1e-12);
      CHECK_LT(difference(from_vector(pick(tables.posterior_xt)), stored(at + "posterior_xt")), 1e-12);
      if (zero_terminal) CHECK_EQ(tables.a_bar.back(), 0);
    }
  }
  // diffusers computes this one in float32.
  CHECK_LT(relative(pick(make_betas(BetaSchedule::sigmoid, 1000)), values("float/sigmoid")), 1e-5);
}

TEST_CASE("released processes: respacing") {
  const std::vector<double> betas = make_betas(BetaSchedule::linear, 1000);
  for (const char* sections : {"250", "ddim50", "ddim25", "8", "10,15,20", "3,40,7,50"}) {
    CAPTURE(sections);
    const std::vector<int64_t> kept = respaced_steps(1000, sections);
    CHECK(kept == stored(std::string("respaced/") + sections + "/steps").to_vector<int64_t>());
    CHECK_LT(relative(DiffusionTables(betas, kept).beta, values(std::string("respaced/") + sections + "/beta")), 1e-11);
  }
}

TEST_CASE("released processes: Gaussian losses of every prediction, variance and loss") {
  const std::map<std::string, GaussianLoss> losses{{"mse", GaussianLoss::mse},
                                                   {"rescaled_mse", GaussianLoss::rescaled_mse},
                                                   {"kl", GaussianLoss::kl},
                                                   {"rescaled_kl", GaussianLoss::rescaled_kl}};
  int compared = 0;
  for (const char* respacing : {"", "50"}) {
    for (const auto& [kind, prediction] : kinds) {
      for (const auto& [variance_name, variance] : variances) {
        for (const auto& [loss_name, loss] : losses) {
          const std::string name = "gaussian/" + kind + "/" + variance_name + "/" + loss_name + "/" + respacing;
          CAPTURE(name);
          const GaussianDiffusion diffusion(
              {.respacing = respacing, .variance = variance, .prediction = prediction, .loss = loss});
          const std::vector<double> want = values(name);
          const Tensor t = stored(std::string("gaussian/t/") + respacing);
          for (const DType dtype : {DType::f64, DType::f32}) {
            const auto terms = diffusion.loss_terms(network_of(variance), to(stored("gaussian/data"), dtype), t,
                                                    to(stored("gaussian/noise"), dtype));
            // Step 0 takes logarithms of small differences between two numbers near 1, which float32 knows to 6e-8: a
            // network that is as far off as one for x0 makes them too small for it. A divergence is a difference of
            // numbers near 1 as well, from coefficients that are float32 in the released code.
            const double terms_in_all = loss == GaussianLoss::rescaled_kl ? double(diffusion.steps()) : 1;
            const std::vector<double> got = terms.loss.to_vector<double>();
            const bool far_off = dtype == DType::f32 && prediction == PredictionKind::x0;
            for (size_t i = far_off ? 1 : 0; i < want.size(); ++i) {
              const double share = dtype == DType::f64 || i > 0 ? 1e-5 : 1e-4;
              CHECK_MESSAGE(std::abs(got[i] - want[i]) < share * want[i] + 1e-7 * terms_in_all, got[i], " instead of ",
                            want[i], " at ", i);
            }
          }
          ++compared;
        }
      }
    }
  }
  CHECK_EQ(compared, 48);
}

TEST_CASE("released processes: bits per dimension") {
  const Tensor noises = stored("bound/noise"), data = slice(stored("gaussian/data"), 0, 0, 2);
  struct Case {
    std::string kind, variance;
    bool clip;
  };
  for (const Case& c :
       {Case{"eps", "learned_range", true}, Case{"x0", "fixed_small", false}, Case{"eps", "fixed_large", true}}) {
    CAPTURE(c.kind);
    CAPTURE(c.variance);
    const auto& [kind, variance, clip] = c;
    const GaussianDiffusion diffusion(
        {.respacing = "20", .variance = variances.at(variance), .prediction = kinds.at(kind)});
    const BitsPerDim bound = bits_per_dim(
        diffusion, network_of(variances.at(variance)), data, [&](int64_t step) { return select(noises, 0, 19 - step); },
        clip);
    const std::string at = "bound/" + kind + "/" + variance + "/";
    const auto from_the_end = [&](const std::string& key) { return flip(stored(at + key), {1}); };
    CHECK_LT(difference(bound.total, stored(at + "total_bpd")), 1e-5);
    CHECK_LT(difference(bound.prior, stored(at + "prior_bpd")), 1e-5);
    CHECK_LT(difference(bound.vb, from_the_end("vb")), 1e-5);
    CHECK_LT(difference(bound.x0_mse, from_the_end("xstart_mse")), 1e-5);
    CHECK_LT(difference(bound.noise_mse, from_the_end("mse")), 1e-5);
  }
}

TEST_CASE("released processes: SiT's paths and conversions") {
  const std::vector<double> t = values("path/t"), times = values("path/times");
  const Tensor x = stored("path/x"), prediction = stored("path/prediction");
  for (const auto& [name, kind] : paths) {
    const std::string shown = name;
    CAPTURE(shown);
    const Path path(kind);
    const auto along = [&](double (Path::*f)(double) const) {
      std::vector<double> all;
      for (const double time : t) all.push_back((path.*f)(time));
      return all;
    };
    const std::string at = "path/" + name + "/";
    CHECK_LT(relative(along(&Path::alpha), values(at + "alpha")), 1e-12);
    CHECK_LT(relative(along(&Path::sigma), values(at + "sigma")), 1e-12);
    CHECK_LT(relative(along(&Path::d_alpha), values(at + "d_alpha")), 1e-12);
    CHECK_LT(relative(along(&Path::d_sigma), values(at + "d_sigma")), 1e-12);
    CHECK_LT(relative(along(&Path::d_log_alpha), values(at + "d_log_alpha")), 1e-12);
    CHECK_LT(relative(along(&Path::score_coefficient), values(at + "score_coefficient")), 1e-12);
    std::vector<PathPoint> points;
    for (const double time : times) points.push_back(path.at(time));
    using enum PredictionKind;
    CHECK_LT(difference(convert(prediction, velocity, score, x, points), stored(at + "score_from_velocity")), 1e-12);
    CHECK_LT(difference(convert(prediction, velocity, eps, x, points), stored(at + "noise_from_velocity")), 1e-12);
    CHECK_LT(difference(convert(prediction, score, velocity, x, points), stored(at + "velocity_from_score")), 1e-12);
  }
}

TEST_CASE("released processes: SiT's losses and times") {
  const std::map<std::string, LossWeighting> weightings{
      {"none", LossWeighting::none}, {"velocity", LossWeighting::velocity}, {"likelihood", LossWeighting::likelihood}};
  const std::vector<double> times = values("path/times"), u = values("path/u");
  int compared = 0;
  for (const auto& [name, path] : paths) {
    for (const auto& [kind, prediction] : released_kinds) {
      const std::string at = "path/" + name + "/" + kind + "/";
      CAPTURE(at);
      const Flow plain({.path = path, .prediction = prediction, .time_scale = 1000});
      const TimeInterval training = plain.training_interval(), sampling = plain.sampling_interval();
      std::vector<double> mapped;
      for (const double v : u) mapped.push_back(training.begin + (training.end - training.begin) * v);
      CHECK_LT(difference(from_vector(mapped), stored(at + "times")), 1e-12);
      CHECK_LT(difference(from_vector<double>({sampling.begin, sampling.end}), stored(at + "sampling_interval")),
               1e-12);
      CHECK_EQ(plain.sampling_times(5).front(), sampling.begin);
      CHECK_EQ(plain.sampling_times(5).back(), sampling.end);
      Generator rng(1);
      for (const double time : plain.sample_times(50, rng)) CHECK((time >= training.begin && time <= training.end));
      for (const auto& [weighting_name, weighting] : weightings) {
        if (kind == "velocity" && weighting != LossWeighting::none) continue;
        const Flow flow({.path = path, .prediction = prediction, .weighting = weighting, .time_scale = 1000});
        for (const DType dtype : {DType::f64, DType::f32}) {
          const Tensor loss =
              flow.loss_terms(network, to(stored("path/data"), dtype), times, to(stored("path/noise"), dtype));
          CHECK_LT(relative(loss.to_vector<double>(), values(at + weighting_name)), 1e-5);
        }
        ++compared;
      }
    }
  }
  CHECK_EQ(compared, 21);
}

}  // namespace ditharos::test_released_processes
