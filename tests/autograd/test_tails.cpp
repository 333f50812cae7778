// Derivatives in the tails, where 1 - y of a rounded y is 0 and the derivative is not.
#include <cmath>
#include <vector>

#include <ditharos/autograd/engine.h>
#include <ditharos/autograd/ops.h>
#include <doctest/doctest.h>
#include "tests/support/tensor_cases.h"

namespace ditharos::test_tails {

namespace {

using Function = Tensor (*)(const Tensor&);

/// The derivatives of f at x, to the second.
std::vector<double> derivatives(Function f, double at, DType dtype) {
  const Tensor x = scalar(at, dtype).set_requires_grad();
  const double first = grad(f(x), x).item();
  const Tensor g = grad(f(x), x, {}, {.create_graph = true});
  return {first, g.item(), grad(g, x).item()};
}

void check_near(double got, double want, DType dtype) {
  CAPTURE(got);
  CAPTURE(want);
  CHECK(std::abs(got - want) <= (dtype == DType::f64 ? 1e-12 : 1e-5) * std::abs(want));
}

/// f' and f'' at x, by the first-order rule and by the one that is recorded.
void check_tail(Function f, double at, double first, double second) {
  tests::for_each_isa([&] {
    for (DType dtype : {DType::f32, DType::f64}) {
      CAPTURE(name_of(dtype));
      CAPTURE(at);
      const auto got = derivatives(f, at, dtype);
      check_near(got[0], first, dtype);
      check_near(got[1], first, dtype);
      check_near(got[2], second, dtype);
    }
  });
}

double slope(double x) { return std::exp(-std::abs(x)) / std::pow(1 + std::exp(-std::abs(x)), 2); }

}  // namespace

TEST_CASE("regression 22: the derivatives of sigmoid and tanh reach as far as the numbers do") {
  for (double x : {-80., -40., -18., 18., 40., 80.}) check_tail(sigmoid, x, slope(x), -slope(x) * std::tanh(x / 2));
  for (double x : {-40., -20., -9., 9., 20., 40.})
    check_tail(tanh, x, 4 * slope(2 * x), -8 * slope(2 * x) * std::tanh(x));
}

TEST_CASE("regression 22: the second derivatives of silu, softplus and the GELUs reach as far as the numbers do") {
  for (double x : {-60., -30.5, 30.5, 40.40625, 60.}) {  // numbers that f32 has
    const double s = 1 / (1 + std::exp(-x)), d = slope(x);
    check_tail(silu, x, s + x * d, d * (2 - x * std::tanh(x / 2)));
    check_tail(softplus, x, s, d);
  }
  for (double x : {-5., 5.}) {
    const double c = 2 * std::sqrt(2 / M_PI), w = c * (x + .044715 * x * x * x), dw = c * (1 + 3 * .044715 * x * x);
    const double s = 1 / (1 + std::exp(-w)), d = slope(w);
    check_tail(gelu_tanh, x, s + x * d * dw,
               2 * d * dw + x * (-d * std::tanh(w / 2) * dw * dw + d * c * 6 * .044715 * x));
    const double phi = std::exp(-x * x / 2) / std::sqrt(2 * M_PI);
    check_tail(gelu, x, .5 * std::erfc(-x / std::sqrt(2.)) + x * phi, phi * (2 - x * x));
  }
}

TEST_CASE("regression 22: the derivative of expm1 is e^x far below 0") {
  for (double x : {-80., -40., -20.}) check_tail(expm1, x, std::exp(x), std::exp(x));
}

TEST_CASE("regression 22: next to 1 asin and acos have their steep derivatives") {
  const double x = 1 - 1. / (1 << 24), near = 1 / std::sqrt((1 - x) * (1 + x));
  check_tail(asin, x, near, x * near * near * near);
  check_tail(acos, x, -near, -x * near * near * near);
}

TEST_CASE("regression 22: cross entropy of a dominant logit is the small number that it is") {
  const auto first_class = [](const Tensor& x) {
    return cross_entropy(stack({x, zeros_like(x)}, 0).unsqueeze(0), from_vector<int64_t>({0}));
  };
  for (double x : {18., 37.40625, 60., 80.}) {  // numbers that f32 has
    const double loss = std::log1p(std::exp(-x)), missed = 1 / (1 + std::exp(x));
    check_tail(first_class, x, -missed, slope(x));
    for (DType dtype : {DType::f32, DType::f64}) check_near(first_class(scalar(x, dtype)).item(), loss, dtype);
  }
  // The other class's gradient is the same with the other sign, and so with log_softmax and nll_loss.
  const Tensor logits = from_vector<double>({37.4, 0}, {1, 2}).set_requires_grad(), label = from_vector<int64_t>({0});
  const double missed = 1 / (1 + std::exp(37.4));
  for (const Tensor& loss : {cross_entropy(logits, label), nll_loss(log_softmax(logits, -1), label)}) {
    check_near(loss.item(), std::log1p(std::exp(-37.4)), DType::f64);
    const auto g = grad(loss, logits).to_vector<double>();
    check_near(g[0], -missed, DType::f64);
    check_near(g[1], missed, DType::f64);
  }
}

}  // namespace ditharos::test_tails
