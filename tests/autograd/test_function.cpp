// Custom operations.
#include <doctest/doctest.h>

#include <ditharos/autograd/engine.h>
#include <ditharos/autograd/function.h>
#include <ditharos/autograd/ops.h>
#include <ditharos/tensor/random.h>
#include "tests/support/tensor_cases.h"

namespace ditharos::test_function {

using ditharos::tests::message_of;

namespace {

using Tensors = std::vector<Tensor>;
using Values = std::vector<double>;

Tensor my_softsign(const Tensor& x) {  // x / (1 + |x|)
  static const Function op = {"test.softsign", [](const Tensors& in) { return in[0] / (abs(in[0]) + 1.0); },
                              [](const Tensors&, const Tensor& output, const Tensor& grad) -> Tensors {
                                return {grad * square(1.0 - abs(output))};  // 1 / (1 + |x|)^2
                              }};
  return op({x});
}

/// Rounds, and passes the gradient on as if it had not (Bengio et al. 2013).
Tensor straight_through_round(const Tensor& x) {
  static const Function op = {"test.round", [](const Tensors& in) { return round(in[0]); },
                              [](const Tensors&, const Tensor&, const Tensor& grad) -> Tensors { return {grad}; }};
  return op({x});
}

/// a^2 b with b broadcast over a's rows.
const Function scaled_square = {"test.scaled_square", [](const Tensors& in) { return square(in[0]) * in[1]; },
                                [](const Tensors& in, const Tensor&, const Tensor& grad) -> Tensors {
                                  return {grad * in[0] * in[1] * 2.0, grad * square(in[0])};
                                }};

Tensor away_from_zero(const Shape& shape) { return Generator(3).uniform(shape, DType::f64) + .3; }

}  // namespace

TEST_CASE("custom operations: checked by the same gradcheck, to the third order") {
  const auto passes = [](const std::function<Tensor(const Tensors&)>& f, const Tensors& inputs) {
    const GradcheckResult r = gradcheck(f, inputs, {.order = 3, .tolerance = 1e-6});
    CHECK_MESSAGE(r.ok, r.message);
  };
  passes([](const Tensors& x) { return my_softsign(x[0]); }, {away_from_zero({2, 3})});
  passes([](const Tensors& x) { return scaled_square(x); }, {away_from_zero({2, 3}), away_from_zero({3})});
}

TEST_CASE("custom operations: what is recorded") {
  const Tensor x = from_vector<double>({.4, 1.6, -2.5}).set_requires_grad();
  const Tensor y = straight_through_round(x);
  CHECK(y.to_vector<double>() == Values{0, 2, -2});
  CHECK(std::string(node_of(y)->name) == "test.round");
  CHECK(node_of(y)->next[0] == node_of(x));  // nothing of the forward function
  sum(y * y).backward();
  CHECK(x.grad().to_vector<double>() == Values{0, 4, -4});
  // One input alone needs a gradient; the other's is dropped.
  const Tensor b = from_vector<double>({1, 2, 3}).set_requires_grad();
  sum(scaled_square({x.detach(), b})).backward();
  CHECK(b.grad().to_vector<double>()[1] == doctest::Approx(1.6 * 1.6));
  CHECK_FALSE(my_softsign(x.detach()).requires_grad());
}

TEST_CASE("custom operations: gradcheck finds a wrong rule") {
  const Function wrong = {"test.wrong", [](const Tensors& in) { return square(in[0]); },
                          [](const Tensors& in, const Tensor&, const Tensor& g) -> Tensors { return {g * in[0]}; }};
  const auto f = [&](const Tensors& x) { return wrong(x); };
  CHECK_FALSE(gradcheck(f, {away_from_zero({3})}).ok);
  const Function short_of_one = {"test.short", [](const Tensors& in) { return in[0] + in[1]; },
                                 [](const Tensors&, const Tensor&, const Tensor& g) -> Tensors { return {g}; }};
  const Tensor x = ones({2}).set_requires_grad();
  CHECK(message_of<AutogradError>([&] { sum(short_of_one({x, x})).backward(); }) ==
        "[test.short] the rule returned 1 gradients for 2 inputs");
}

}  // namespace ditharos::test_function
