// Paths from noise to data, and the conversions between kinds of predictions.
#include <doctest/doctest.h>

#include <cmath>
#include <limits>

#include <ditharos/autograd/ops.h>
#include <ditharos/models/diffusion/gaussian.h>
#include <ditharos/models/diffusion/prediction.h>
#include "tests/support/golden.h"
#include "tests/support/message_of.h"
#include "tests/support/page_text.h"

using namespace ditharos;
using namespace ditharos::models;
using ditharos::tests::contains;
using ditharos::tests::difference;
using ditharos::tests::message_of;

namespace {

const PathKind paths[] = {PathKind::linear, PathKind::gvp, PathKind::vp};
const PredictionKind kinds[] = {PredictionKind::eps, PredictionKind::x0, PredictionKind::v, PredictionKind::velocity,
                                PredictionKind::score};

/// What a perfect network of each kind predicts.
Tensor truth(PredictionKind kind, const Tensor& data, const Tensor& noise, const PathPoint& p) {
  switch (kind) {
    case PredictionKind::eps: return noise;
    case PredictionKind::x0: return data;
    case PredictionKind::v: return noise * p.alpha - data * p.sigma;
    case PredictionKind::velocity: return data * p.d_alpha + noise * p.d_sigma;
    case PredictionKind::score: break;
  }
  return noise * (-1 / p.sigma);
}

}  // namespace

TEST_CASE("path: derivatives are those of the coefficients, and the ends are noise and data") {
  for (const PathKind kind : paths) {
    CAPTURE(name_of(kind));
    const Path path(kind);
    const double h = 1e-6;
    for (double t = .05; t < .96; t += .05) {
      CAPTURE(t);
      const PathPoint p = path.at(t);
      CHECK_EQ(p.d_alpha, doctest::Approx((path.alpha(t + h) - path.alpha(t - h)) / (2 * h)).epsilon(1e-6));
      CHECK_EQ(p.d_sigma, doctest::Approx((path.sigma(t + h) - path.sigma(t - h)) / (2 * h)).epsilon(1e-6));
      CHECK_EQ(path.d_log_alpha(t), doctest::Approx(p.d_alpha / p.alpha).epsilon(1e-12));
      CHECK_EQ(path.score_coefficient(t),
               doctest::Approx(path.d_log_alpha(t) * p.sigma * p.sigma - p.sigma * p.d_sigma).epsilon(1e-11));
      if (kind != PathKind::linear) CHECK_EQ(p.alpha * p.alpha + p.sigma * p.sigma, doctest::Approx(1).epsilon(1e-14));
    }
    CHECK_EQ(path.alpha(1), 1);
    CHECK_EQ(path.sigma(1), 0);
    CHECK_EQ(path.sigma(0), doctest::Approx(1).epsilon(1e-4));
    CHECK_EQ(path.alpha(0), doctest::Approx(kind == PathKind::vp ? std::exp(-5.025) : 0));
  }
  CHECK_EQ(std::string(name_of(PathKind::gvp)), "gvp");
}

TEST_CASE("path: the log signal-to-noise ratio and its inverse") {
  for (const PathKind kind : paths) {
    CAPTURE(name_of(kind));
    const Path path(kind);
    double before = -std::numeric_limits<double>::infinity();
    for (double t = .01; t < .995; t += .01) {
      const double log_snr = path.log_snr(t);
      CHECK_EQ(log_snr, doctest::Approx(std::log(path.at(t).snr())).epsilon(1e-9));
      CHECK_GT(log_snr, before);
      before = log_snr;
      CHECK_EQ(path.time_at_log_snr(log_snr), doctest::Approx(t).epsilon(1e-11));
    }
    for (const double t : {1e-8, 1 - 1e-7})  // near the ends
      CHECK_EQ(path.time_at_log_snr(path.log_snr(t)), doctest::Approx(t).epsilon(1e-8));
    CHECK_EQ(path.log_snr(1), std::numeric_limits<double>::infinity());
    CHECK_EQ(path.time_at_log_snr(900), doctest::Approx(1));
    CHECK_EQ(path.time_at_log_snr(std::numeric_limits<double>::infinity()), 1);
  }
  CHECK_EQ(Path(PathKind::linear).log_snr(0), -std::numeric_limits<double>::infinity());
  CHECK_EQ(Path(PathKind::vp).log_snr(0), doctest::Approx(-10.05).epsilon(1e-5));
}

TEST_CASE("prediction: every kind becomes every other one") {
  Generator rng(11);
  const Tensor data = rng.normal({4, 2, 3}, DType::f64), noise = rng.normal({4, 2, 3}, DType::f64);
  const std::vector<double> times{.05, .3, .6, .95};
  for (const PathKind path : paths) {
    std::vector<PathPoint> points;
    for (const double t : times) points.push_back(Path(path).at(t));
    for (const PredictionKind from : kinds) {
      for (const PredictionKind to : kinds) {
        CAPTURE(name_of(path));
        CAPTURE(name_of(from));
        CAPTURE(name_of(to));
        std::vector<Tensor> x, given, want;
        for (int64_t i = 0; i < 4; ++i) {
          const PathPoint& p = points[size_t(i)];
          const Tensor d = select(data, 0, i), n = select(noise, 0, i);
          x.push_back(d * p.alpha + n * p.sigma);
          given.push_back(truth(from, d, n, p));
          want.push_back(truth(to, d, n, p));
        }
        CHECK_LT(difference(convert(stack(given, 0), from, to, stack(x, 0), points), stack(want, 0)), 1e-12);
        for (size_t i = 0; i < 4; ++i)
          CHECK_LT(difference(convert(given[i], from, to, x[i], points[i]), want[i]), 1e-12);
      }
    }
  }
}

TEST_CASE("prediction: discrete steps have no velocity, and all other kinds") {
  Generator rng(12);
  const Tensor data = rng.normal({3, 4}, DType::f64), noise = rng.normal({3, 4}, DType::f64);
  const PathPoint p = GaussianDiffusion().point(400);
  const Tensor x = data * p.alpha + noise * p.sigma;
  for (const PredictionKind from : kinds) {
    for (const PredictionKind to : kinds) {
      if (from == PredictionKind::velocity || to == PredictionKind::velocity) {
        if (from == to) continue;
        const std::string said = message_of<ConfigError>([&] { static_cast<void>(conversion(from, to, p)); });
        CHECK_MESSAGE(contains(said, "a velocity needs a path in continuous time"), said);
      } else {
        CHECK_LT(difference(convert(truth(from, data, noise, p), from, to, x, p), truth(to, data, noise, p)), 1e-11);
      }
    }
  }
}

TEST_CASE("prediction: what a kind does not determine is refused") {
  using enum PredictionKind;
  const Tensor x = ones({2, 3});
  const PathPoint noise_alone = point_of_a_bar(0), data_alone = Path().at(1), start = Path().at(0);
  const auto said = [&](PredictionKind from, PredictionKind to, const PathPoint& p) {
    return message_of<ConfigError>([&] { static_cast<void>(convert(x, from, to, x, p)); });
  };
  CHECK(contains(said(eps, x0, noise_alone), "eps does not determine x0 where alpha is 0"));
  CHECK(contains(said(score, x0, noise_alone), "score does not determine x0"));
  CHECK(contains(said(eps, velocity, start), "predict x0 or v"));
  CHECK(contains(said(x0, eps, data_alone), "x0 does not determine eps where alpha is 1"));
  CHECK(contains(said(eps, score, data_alone), "eps does not determine score"));
  CHECK_EQ(said(v, x0, noise_alone), "");
  CHECK_EQ(said(x0, eps, noise_alone), "");
  CHECK_EQ(said(velocity, x0, start), "");
  CHECK_EQ(said(velocity, eps, data_alone), "");
  CHECK_THROWS_AS(convert(x, eps, x0, ones({3, 3}), data_alone), ShapeError);
  CHECK_THROWS_AS(convert(x, eps, x0, x, std::vector<PathPoint>(3, data_alone)), ShapeError);
  CHECK_THROWS_AS(point_of_a_bar(1.5), ConfigError);
  CHECK_THROWS_AS(point_of_a_bar(std::nan("")), ConfigError);
}
