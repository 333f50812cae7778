// Products with Jacobians, Jacobians, Hessians: against formulas, against each other, and their own derivatives.
#include <doctest/doctest.h>

#include <ditharos/autograd/engine.h>
#include <ditharos/autograd/functional.h>
#include <ditharos/autograd/grad_mode.h>
#include <ditharos/autograd/gradcheck.h>
#include <ditharos/autograd/ops.h>
#include <ditharos/tensor/random.h>
#include "tests/support/tensor_cases.h"

namespace ditharos::test_functional {

using ditharos::tests::message_of;

namespace {

using Values = std::vector<double>;
using List = std::vector<Tensor>;

Tensor vector_of(const Values& values) { return from_vector(values); }
Values values_of(const Tensor& x) { return x.to_vector<double>(); }
Tensor random(const Shape& shape, uint64_t seed) { return Generator(seed).normal(shape, DType::f64); }

void close(const Tensor& got, const Tensor& want) {
  REQUIRE(got.shape() == want.shape());
  CHECK(amax(abs(got - want)).item() < 1e-12);
}

/// Two inputs, a matrix of outputs, with fused operations inside.
Tensor network(const List& x) { return softmax(layer_norm(matmul(x[0], tanh(x[1]))), -1); }
List network_inputs() { return {random({3, 4}, 1), random({4, 5}, 2)}; }

}  // namespace

TEST_CASE("functional: jacobian and hessian of known functions") {
  const Tensor x = vector_of({1, 2, 3});
  CHECK(values_of(jacobian([](const Tensor& v) { return square(v); }, x)) == Values{2, 0, 0, 0, 4, 0, 0, 0, 6});
  CHECK(values_of(hessian([](const Tensor& v) { return sum(pow(v, 3)); }, x)) == Values{6, 0, 0, 0, 12, 0, 0, 0, 18});
  // f = a . b: the blocks of the Hessian are 0 and the identity.
  const auto blocks = hessian([](const List& in) { return sum(in[0] * in[1]); }, {x, x});
  const Values zero(9, 0), one = {1, 0, 0, 0, 1, 0, 0, 0, 1};
  CHECK(values_of(blocks[0][0]) == zero);
  CHECK(values_of(blocks[0][1]) == one);
  CHECK(values_of(blocks[1][0]) == one);
  CHECK(values_of(blocks[1][1]) == zero);
  CHECK_FALSE(blocks[0][1].requires_grad());
  CHECK_FALSE(x.requires_grad());

  // What does not depend on the input, where that is allowed, and outputs without elements.
  CHECK(values_of(jacobian([](const Tensor&) { return ones({2}, DType::f64); }, x, false, true)) == Values(6, 0));
  CHECK(jacobian([](const Tensor& v) { return slice(v, 0, 1, 1); }, x).shape() == Shape{0, 3});
  CHECK(values_of(hessian([](const Tensor& v) { return sum(v); }, x)) == zero);
}

TEST_CASE("functional: products from either side agree with the jacobian") {
  const List x = network_inputs();
  const List j = jacobian(network, x);  // [3, 5, 3, 4] and [3, 5, 4, 5]
  const Tensor w = random({3, 5}, 3);
  const Vjp left = vjp(network, x, w);
  close(left.output, network(x));
  close(left.grads[0], einsum("ab,abij->ij", {w, j[0]}));
  close(left.grads[1], einsum("ab,abij->ij", {w, j[1]}));
  const List v = {random({3, 4}, 4), random({4, 5}, 5)};
  const Jvp right = jvp(network, x, v);
  close(right.output, network(x));
  close(right.tangent, einsum("abij,ij->ab", {j[0], v[0]}) + einsum("abij,ij->ab", {j[1], v[1]}));
  CHECK_FALSE(right.tangent.requires_grad());
  // Along no direction that matters.
  CHECK(values_of(jvp([](const List&) { return ones({2}, DType::f64); }, x, v, false, true).tangent) == Values{0, 0});
}

TEST_CASE("functional: the hessian times a vector agrees with the hessian") {
  const auto f = [](const List& x) { return sum(square(network(x)) * random({3, 5}, 6)); };
  const List x = network_inputs(), v = {random({3, 4}, 7), random({4, 5}, 8)};
  const auto h = hessian(f, x);
  close(h[0][1], permute(h[1][0], {2, 3, 0, 1}));
  const Vjp product = hvp(f, x, v);
  CHECK(product.output.item() == doctest::Approx(f(x).item()));
  for (size_t i = 0; i < 2; ++i)
    close(product.grads[i], einsum("abij,ij->ab", {h[i][0], v[0]}) + einsum("abij,ij->ab", {h[i][1], v[1]}));
}

TEST_CASE("functional: results with a graph can be differentiated") {
  const auto passes = [](const std::function<Tensor(const List&)>& f, const List& inputs) {
    const GradcheckResult r = gradcheck(f, inputs, {.order = 1, .tolerance = 1e-6});
    CHECK_MESSAGE(r.ok, r.message);
  };
  const auto cube = [](const List& x) { return sum(sin(x[0]) * square(x[0])); };
  const Tensor x = random({4}, 9), v = random({4}, 10);
  passes([&](const List& in) { return jvp([](const List& y) { return sin(y[0]); }, {in[0]}, {in[1]}, true).tangent; },
         {x, v});
  passes([&](const List& in) { return vjp([](const List& y) { return exp(y[0]); }, {in[0]}, in[1], true).grads[0]; },
         {x, v});
  passes([&](const List& in) { return hvp(cube, {in[0]}, {in[1]}, true).grads[0]; }, {x, v});
  passes([&](const List& in) { return jacobian([](const Tensor& y) { return sin(y); }, in[0], true); }, {x});
  passes([&](const List& in) { return hessian(cube, {in[0]}, true)[0][0]; }, {x});
}

TEST_CASE("functional: inside NoGrad, and messages") {
  const Tensor x = vector_of({1, 2});
  NoGrad guard;
  CHECK(values_of(jacobian([](const Tensor& v) { return square(v); }, x)) == Values{2, 0, 0, 4});
  const auto twice = [](const List& in) { return in[0] * 2; };
  CHECK(message_of<ShapeError>([&] { hessian(twice, {x}); }) ==
        "[hessian] the function must return one element, got shape [2]");
  CHECK(message_of<ShapeError>([&] { hvp(twice, {x}, {x}); }) ==
        "[hvp] the function must return one element, got shape [2]");
  CHECK(message_of<ShapeError>([&] { vjp(twice, {x}); }) ==
        "[vjp] the function must return one element, got shape [2]");
  CHECK(message_of<ShapeError>([&] { vjp(twice, {x}, vector_of({1})); }) ==
        "[vjp] the vector has shape [1], the output [2]");
  CHECK(message_of<ShapeError>([&] { jvp(twice, {x}, {}); }) == "[jvp] 1 inputs but 0 vectors");
  CHECK(message_of<ShapeError>([&] { jvp(twice, {x}, {vector_of({1})}); }) ==
        "[jvp] vector 0 has shape [1], the input [2]");
  CHECK(message_of<DTypeError>([&] { jvp(twice, {x}, {zeros({2})}); }) == "[jvp] vector 0 is f32, the input f64");
  CHECK(message_of<AutogradError>([&] { jacobian(twice, List{}); }) == "[jacobian] there is no input");
}

TEST_CASE("regression 28: a function that reaches its input only through what it captured is refused") {
  // A module's parameters are captured: the function that is differentiated never sees the input.
  const Tensor w = random({1, 2}, 1).set_requires_grad(), x = random({3, 2}, 2), v = random({1, 2}, 3);
  const auto captured = [&](const List&) { return sum(square(linear(x, w))); };
  const std::string why =
      " the function's result does not depend on input 0 of shape [1, 2]: it uses the tensor that was given as this "
      "input, but captured (as a module's parameter is), not the argument that it is called with; with allow_unused = "
      "true the derivative is zero";
  CHECK(message_of<AutogradError>([&] { hvp(captured, {w}, {v}); }) == "[hvp]" + why);
  CHECK(message_of<AutogradError>([&] { vjp(captured, {w}); }) == "[vjp]" + why);
  CHECK(message_of<AutogradError>([&] { jvp(captured, {w}, {v}); }) == "[jvp]" + why);
  CHECK(message_of<AutogradError>([&] { jacobian(captured, List{w}); }) == "[jacobian]" + why);
  CHECK(message_of<AutogradError>([&] { hessian(captured, List{w}); }) == "[hessian]" + why);
  CHECK(values_of(hvp(captured, {w}, {v}, false, true).grads[0]) == Values{0, 0});
  CHECK(values_of(vjp(captured, {w}, {}, false, true).grads[0]) == Values{0, 0});
  CHECK(values_of(hessian(captured, List{w}, false, true)[0][0]) == Values(4, 0));

  // With the argument it is what it should be: 2 x^T x v.
  const auto f = [&](const List& in) { return sum(square(linear(x, in[0]))); };
  close(hvp(f, {w}, {v}).grads[0], matmul(v, matmul(transpose(x, 0, 1), x)) * 2.0);

  // One input of two, a constant, and one that a detach() hides.
  CHECK(message_of<AutogradError>([&] { vjp([](const List& in) { return sum(in[0]); }, {x, v}); }) ==
        "[vjp] the function's result does not depend on input 1 of shape [1, 2]; with allow_unused = true the "
        "derivative is zero");
  CHECK_THROWS_AS(hvp([](const List&) { return ones({}, DType::f64); }, {x}, {x}), AutogradError);
  CHECK_THROWS_AS(vjp([](const List& in) { return sum(in[0].detach() * 2.0); }, {x}), AutogradError);
  // A linear function has a Hessian of zeros, and a result that a recomputed block made depends on its inputs.
  CHECK(values_of(hvp([](const List& in) { return sum(in[0]); }, {v}, {v}).grads[0]) == Values{0, 0});
}

}  // namespace ditharos::test_functional
