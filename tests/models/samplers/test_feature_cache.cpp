// Feature caching: which calls are computed, what is reused or extrapolated, and a transformer that samples with it.
#include <doctest/doctest.h>

#include <cmath>
#include <string>
#include <vector>

#include <ditharos/autograd/ops.h>
#include <ditharos/models/dit/dit.h>
#include <ditharos/models/samplers/sampler.h>
#include <ditharos/nn/inference.h>
#include "tests/support/golden.h"
#include "tests/support/message_of.h"

using namespace ditharos;
using namespace ditharos::models;
using ditharos::tests::difference;

namespace {

/// The calls, from 0, of which `calls` compute their branch.
std::vector<int> full_calls(const FeatureCaching& config, int calls) {
  const NoGrad no_grad;
  FeatureCache cache(config);
  std::vector<int> full;
  for (int call = 0; call < calls; ++call) {
    cache.begin_call({1});
    static_cast<void>(cache.branch([&] { return full.push_back(call), zeros({1}); }));
    CHECK_EQ(cache.reuses(), full.back() != call);
  }
  CHECK_EQ(cache.calls(), calls);
  CHECK_EQ(cache.full_calls(), int64_t(full.size()));
  return full;
}

/// The branches of calls 0, 1, ..., whose values are those of `f`.
std::vector<double> values(const FeatureCaching& config, int calls, double (*f)(int)) {
  const NoGrad no_grad;
  FeatureCache cache(config);
  std::vector<double> seen;
  for (int call = 0; call < calls; ++call) {
    cache.begin_call({1});
    seen.push_back(cache.branch([&] { return full({1}, f(call), DType::f64); }).to_vector<double>()[0]);
  }
  return seen;
}

/// A small model that computes something: its zero-initialised layers are filled.
DiT awake_model(const DiTConfig& config) {
  Generator rng(3);
  DiT model(config, rng);
  for (const auto& [name, tensor] : nn::named_parameters(model)) {
    float* p = tensor.mutable_data<float>();
    for (const float v : (rng.normal(tensor.shape()) * .2).to_vector<float>()) *p++ = v;
  }
  return model;
}

const DiTConfig small{
    .height = 4, .width = 4, .channels = 2, .hidden = 8, .depth = 2, .heads = 2, .classes = 3, .learn_sigma = false};

}  // namespace

TEST_CASE("feature cache: which calls are computed in full") {
  using Calls = std::vector<int>;
  CHECK(full_calls({.method = CacheMethod::none}, 4) == Calls{0, 1, 2, 3});
  CHECK(full_calls({.method = CacheMethod::fora, .interval = 1}, 4) == Calls{0, 1, 2, 3});
  CHECK(full_calls({.method = CacheMethod::fora, .interval = 2}, 6) == Calls{0, 2, 4});
  CHECK(full_calls({.method = CacheMethod::fora, .interval = 4}, 10) == Calls{0, 4, 8});
  CHECK(full_calls({.method = CacheMethod::taylorseer, .interval = 3}, 9) == Calls{0, 1, 4, 7});
}

TEST_CASE("feature cache: FORA repeats, TaylorSeer extrapolates with finite differences") {
  const auto line = [](int call) { return 2. + 3 * call; };
  CHECK(values({.method = CacheMethod::fora, .interval = 3}, 5, line) == std::vector<double>{2, 2, 2, 11, 11});
  const std::vector<double> lines = values({.method = CacheMethod::taylorseer, .interval = 3, .order = 1}, 9, line);
  for (int call = 0; call < 9; ++call) CHECK_EQ(lines[size_t(call)], doctest::Approx(line(call)));
  CHECK(values({.method = CacheMethod::taylorseer, .interval = 3, .order = 0}, 5, line) ==
        std::vector<double>{2, 5, 5, 5, 14});

  // Of a parabola, in full at 0, 1, 4, 7 and 10: the differences at 10 are (100 - 49) / 3 = 17 and
  // (17 - (49 - 16) / 3) / 3 = 2; the expansion at 11 is 100 + 17 + 2 / 2 and at 12 100 + 2 17 + 4 2 / 2.
  const auto parabola = [](int call) { return double(call * call); };
  const std::vector<double> seen = values({.method = CacheMethod::taylorseer, .interval = 3, .order = 2}, 13, parabola);
  CHECK_EQ(seen[10], 100);
  CHECK_EQ(seen[11], doctest::Approx(118));
  CHECK_EQ(seen[12], doctest::Approx(138));
}

TEST_CASE("feature cache: another shape and a reset start anew; misuse is refused") {
  const NoGrad no_grad;
  FeatureCache cache({.method = CacheMethod::fora, .interval = 10});
  const auto call = [&](const Shape& shape) {
    cache.begin_call(shape);
    bool computed = false;
    static_cast<void>(cache.branch([&] { return computed = true, zeros(shape); }));
    return computed;
  };
  CHECK(call({2}));
  CHECK_FALSE(call({2}));
  CHECK(call({4}));
  CHECK_FALSE(call({4}));
  CHECK(call({2}));
  cache.reset();
  CHECK_EQ(cache.calls(), 0);
  CHECK(call({2}));
  CHECK_FALSE(call({2}));
  CHECK(tests::message_of<Error>([&] {
          static_cast<void>(cache.branch([] { return zeros({2}); }));
        }).find("asks for more branches than the 1 of the last full one") != std::string::npos);
  CHECK(tests::message_of<ConfigError>([] { FeatureCache({.interval = 0}); }) ==
        "the interval of feature caching must be 1 (every call in full) or more, got 0");
  CHECK_THROWS_AS(FeatureCache({.order = 9}), ConfigError);
}

TEST_CASE("feature cache: a transformer with a cache") {
  const DiT model = awake_model(small);
  Generator rng(4);
  const Tensor x = rng.normal({2, 2, 4, 4}), t = full({2}, .3), labels = from_vector(std::vector<int64_t>{0, 2});
  FeatureCache refused({.method = CacheMethod::fora});
  CHECK(tests::message_of<AutogradError>([&] {
          static_cast<void>(model(x, t, labels, &refused));
        }).find("serves sampling and keeps no graph") != std::string::npos);

  const nn::InferenceMode inference;
  const Tensor plain = model(x, t, labels);
  FeatureCache cache({.method = CacheMethod::fora, .interval = 2});
  CHECK_EQ(difference(model(x, t, labels, &cache), plain), 0);     // in full: the same bits
  CHECK_LT(difference(model(x, t, labels, &cache), plain), 1e-6);  // the same branches of the same input
  const Tensor y = rng.normal({2, 2, 4, 4});
  const Tensor exact = model(y, t, labels);
  CHECK_EQ(difference(model(y, t, labels, &cache), exact), 0);
  const Tensor reused = model(x, t, labels, &cache);  // x in place of y: residuals are x's, branches are y's
  CHECK_GT(difference(reused, plain), 1e-3);
  CHECK_EQ(cache.calls(), 4);
  CHECK_EQ(cache.full_calls(), 2);
}

TEST_CASE("feature cache: sampling with a cache is near sampling without, and nearer with TaylorSeer") {
  const DiT model = awake_model(small);
  const Tensor noise = Generator(5).normal({2, 2, 4, 4}), labels = from_vector(std::vector<int64_t>{0, 2});
  const auto sampled = [&](const FeatureCaching& caching, const Guidance& guidance) {
    FeatureCache cache(caching);
    const Network network = [&](const Tensor& x, const Tensor& t, const Tensor& y) { return model(x, t, y, &cache); };
    Generator rng(6);
    const SamplerConfig sampler{.kind = SamplerKind::euler, .steps = 48, .guidance = guidance, .caching = caching};
    const Tensor result = sample({}, sampler, network, labels, scalar(3, DType::i64), noise, rng);
    CHECK_EQ(cache.calls(), 48);
    return result;
  };
  for (const Guidance& guidance : {Guidance{}, Guidance{.scale = 2}, Guidance{.scale = 2, .from = .2, .to = .7}}) {
    const Tensor exact = sampled({.method = CacheMethod::none}, guidance);
    const double fora = difference(sampled({.method = CacheMethod::fora, .interval = 3}, guidance), exact);
    const double taylor =
        difference(sampled({.method = CacheMethod::taylorseer, .interval = 3, .order = 2}, guidance), exact);
    CAPTURE(fora);
    CAPTURE(taylor);
    CHECK_GT(fora, 0);
    CHECK_LT(fora, .2);
    CHECK_LT(taylor, fora);
  }
}
