// First-order rules against those of recorded gradients at extreme inputs.
#include <cmath>
#include <cstdio>
#include <limits>

#include <ditharos/autograd/engine.h>
#include <ditharos/autograd/ops.h>
#include <doctest/doctest.h>
#include "tests/op_table/extremes/op_extreme_rules.h"

using namespace ditharos;

TEST_CASE("op table: first-order rules and those of recorded gradients agree at extreme inputs") {
  int64_t checks = 0;
  for (const tests::Row& row : tests::op_table()) checks += tests::check_extreme_rules(row);
  CHECK(checks > 10000);
  std::printf("op table: %lld gradients at extreme inputs\n", static_cast<long long>(checks));
}

TEST_CASE("regression 32: recorded gradients of activations are the limits at huge and infinite inputs") {
  constexpr double infinity = std::numeric_limits<double>::infinity();
  const auto at = [](const Tensor& x, Tensor (*f)(const Tensor&)) {
    const Tensor leaf = x.detach().set_requires_grad();
    return grad(sum(f(leaf)), leaf, {}, {.create_graph = true}).to_vector<double>();
  };
  const std::vector<double> limits{1, 1, 0, 0};
  for (DType dtype : {DType::f32, DType::f64}) {
    const double huge = dtype == DType::f32 ? 2e19 : 2e154;
    const Tensor x = to(from_vector<double>({huge, infinity, -huge, -infinity}), dtype);
    CHECK(at(x, gelu_tanh) == limits);
    CHECK(at(x, gelu) == limits);
    CHECK(at(x, silu) == limits);
    CHECK(at(x, [](const Tensor& v) { return linear_gelu_tanh(reshape(v, {4, 1}), ones({1, 1}, v.dtype())); }) ==
          limits);
  }
}

TEST_CASE("regression 32: the recorded gradient of group_norm_silu where the norm is infinite") {
  // x = 0 twice: normalised to 0, and the bias is infinite: silu' is 1 or 0 there.
  const Tensor x = zeros({1, 2, 2}).set_requires_grad(), weight = ones({2}).set_requires_grad();
  const float infinity = std::numeric_limits<float>::infinity();
  const Tensor bias = from_vector<float>({infinity, -infinity}).set_requires_grad();
  for (bool create_graph : {false, true}) {
    const Tensor y = group_norm_silu(x, 2, weight, bias);
    const std::vector<Tensor> g = grad({sum(y)}, {x, weight, bias}, {}, {.create_graph = create_graph});
    CHECK(g[0].to_vector<float>() == std::vector<float>{0, 0, 0, 0});
    CHECK(g[1].to_vector<float>() == std::vector<float>{0, 0});
    CHECK(g[2].to_vector<float>() == std::vector<float>{2, 0});
  }
}
