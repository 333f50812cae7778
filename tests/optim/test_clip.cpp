// Clipping in place, as PyTorch's functions of the same names do it; the factor alone is in test_optim.cpp.
#include <doctest/doctest.h>

#include <cmath>
#include <limits>

#include <ditharos/autograd/ops.h>
#include <ditharos/optim/clip.h>
#include <ditharos/optim/sgd.h>
#include <ditharos/tensor/random.h>
#include "tests/support/tensor_cases.h"

using namespace ditharos;
using ditharos::tests::message_of;

namespace {

using Floats = std::vector<float>;
Floats values(const Tensor& x) { return x.to_vector<float>(); }

Tensor leaf(const Shape& shape) { return zeros(shape).set_requires_grad(); }

}  // namespace

TEST_CASE("regression 26: clip_grad_norm_ scales the gradients themselves, and the step uses what it left") {
  const Tensor w = leaf({4}), unused = leaf({2});
  const nn::NamedTensors parameters = {{"w", w}, {"unused", unused}};
  w.set_grad(full({4}, 3.0));
  const Tensor held = w.grad();
  CHECK(optim::clip_grad_norm_(parameters, 1.5) == 6);
  const float clipped = 3.0f * float(1.5 / (6 + 1e-6));
  CHECK(values(w.grad()) == Floats(4, clipped));
  CHECK(values(held) == Floats(4, clipped));  // in place
  CHECK_FALSE(unused.grad().defined());
  optim::Sgd sgd(parameters);
  sgd.step(1.0);
  CHECK(values(w) == Floats(4, -clipped));
}

TEST_CASE("clip_grad_norm_: small gradients stay to the bit; a step with the factor moves by the same") {
  Generator rng(1);
  const Tensor a = leaf({5}), b = leaf({5});
  a.set_grad(rng.normal({5}));
  b.set_grad(a.grad() * 1.0);
  const Floats before = values(a.grad());
  const double norm = optim::clip_grad_norm_({{"a", a}}, std::numeric_limits<double>::infinity());
  CHECK(values(a.grad()) == before);
  CHECK(optim::clip_grad_norm_({{"a", a}}, 2 * norm) == norm);
  CHECK(values(a.grad()) == before);
  const double limit = norm / 3;
  optim::Sgd one({{"a", a}}), other({{"b", b}});
  CHECK(optim::clip_grad_norm_({{"a", a}}, limit) == norm);
  one.step(.1);
  other.step(.1, optim::clip_grad_factor({{"b", b}}, limit).factor);
  for (int i = 0; i < 5; ++i) CHECK(a.data<float>()[i] == doctest::Approx(b.data<float>()[i]).epsilon(1e-6));
}

TEST_CASE("clip_grad_norm_: a shared parameter, a shared gradient and a strided one are scaled once") {
  const Tensor w = leaf({4});
  w.set_grad(full({4}, 3.0));
  CHECK(optim::clip_grad_norm_({{"in", w}, {"out", w}}, 3) == 6);
  CHECK(values(w.grad())[0] == doctest::Approx(1.5));

  const Tensor a = leaf({2}), b = leaf({2}), g = full({2}, 2.0);
  a.set_grad(g);
  b.set_grad(g);
  CHECK(optim::clip_grad_norm_({{"a", a}, {"b", b}}, 2) == 4);
  CHECK(values(a.grad())[0] == doctest::Approx(1));

  const Tensor c = leaf({3, 2});
  c.set_grad(expand(full({2}, 2.0), {3, 2}));  // six elements in the memory of two
  CHECK(optim::clip_grad_norm_({{"c", c}}, 1) == doctest::Approx(std::sqrt(24.0)));
  for (const float x : values(c.grad())) CHECK(x == doctest::Approx(1 / std::sqrt(6.0)));
}

TEST_CASE("clip_grad_norm_: refuses with a name, and changes nothing") {
  const Tensor a = leaf({2}), b = leaf({2});
  a.set_grad(full({2}, 3.0));
  b.set_grad(full({2}, NAN));
  CHECK(message_of<Error>([&] { optim::clip_grad_norm_({{"a", a}, {"b", b}}, 1); }) ==
        "[clip_grad_norm_] the gradient of \"b\" has NaN or infinite elements");
  CHECK(values(a.grad()) == Floats{3, 3});
  CHECK(message_of<ConfigError>([&] { optim::clip_grad_norm_({{"a", a}}, 0); }) ==
        "[clip_grad_norm_] max_norm must be above 0, got 0.000000");
  CHECK(message_of<AutogradError>([&] {
          optim::clip_grad_norm_({{"2 a", a * 2}}, 1);
        }).starts_with("[clip_grad_norm_] parameter \"2 a\" of shape [2] is no leaf: [mul_scalar] computed it"));
}

TEST_CASE("clip_grad_value_: limits every element") {
  const Tensor w = leaf({5});
  w.set_grad(from_vector<float>({-7, -2, 0, 1, INFINITY}));
  optim::clip_grad_value_({{"w", w}}, 2);
  CHECK(values(w.grad()) == Floats{-2, -2, 0, 1, 2});
  CHECK_THROWS_AS(optim::clip_grad_value_({{"w", w}}, 0), ConfigError);
  CHECK_THROWS_AS(optim::clip_grad_value_({{"w", w}}, NAN), ConfigError);
}
