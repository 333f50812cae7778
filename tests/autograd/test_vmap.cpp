// vmap, per-sample gradients, and gradients of intermediate results.
#include <doctest/doctest.h>

#include <ditharos/autograd/engine.h>
#include <ditharos/autograd/functional.h>
#include <ditharos/autograd/gradcheck.h>
#include <ditharos/autograd/ops.h>
#include <ditharos/tensor/random.h>
#include "tests/support/tensor_cases.h"

using namespace ditharos;
using tests::message_of;
using Tensors = std::vector<Tensor>;

TEST_CASE("vmap: maps over axes, with derivatives of both modes") {
  Generator rng(1);
  const Tensor a = rng.normal({4, 3}, DType::f64), b = rng.normal({3, 4}, DType::f64), c = rng.normal({3}, DType::f64);
  const TensorFunction one = [](const Tensors& in) { return dot(in[0], exp(in[1])) * in[2]; };
  const TensorFunction mapped = vmap(one, {0, -1, {}}, 1);
  const auto want = [](const Tensors& in) {
    return transpose(unsqueeze(sum(in[0] * exp(transpose(in[1], 0, 1)), 1), 1) * in[2], 0, 1);
  };
  CHECK(allclose(mapped({a, b, c}), want({a, b, c}), 1e-12));
  const Tensor w = rng.normal({3, 4}, DType::f64);
  const Tensors got = vjp(mapped, {a, b, c}, w).grads, right = vjp(want, {a, b, c}, w).grads;
  for (size_t i = 0; i < 3; ++i) CHECK(allclose(got[i], right[i], 1e-12));
  CHECK(allclose(jvp(mapped, {a, b, c}, {a, b, c}).tangent, jvp(want, {a, b, c}, {a, b, c}).tangent, 1e-12));
  CHECK(message_of<ShapeError>([&] { mapped({a, b.transpose(0, 1), c}); }) ==
        "[vmap] input 1 of shape [4, 3] has 3 samples, an earlier one 4");
  CHECK(message_of<ShapeError>([&] { vmap(one)({zeros({0})}); }) ==
        "[vmap] there is no sample to call the function for");
  CHECK(message_of<ShapeError>([&] { vmap(one, {0})({a, b}); }) == "[vmap] 2 inputs, but axes for 1");
}

TEST_CASE("vmap: of a function of one tensor") {
  Generator rng(3);
  const Tensor x = rng.normal({4, 3}, DType::f64);
  const auto length = vmap([](const Tensor& row) { return norm(row); });
  CHECK(allclose(length(x), norm(x, 2, {1}), 1e-12));
  const auto columns = vmap([](const Tensor& column) { return 2.0 * column; }, -1, 1);
  CHECK(allclose(columns(x), 2.0 * x, 1e-12));
  CHECK(gradcheck([&](const Tensors& in) { return length(in[0]); }, {x}).ok);
}

TEST_CASE("per_sample_grads: the rows add up to the gradient of the batch") {
  Generator rng(2);
  const Tensor weight = rng.normal({2, 3}, DType::f64).set_requires_grad();
  const Tensor bias = rng.normal({2}, DType::f64).set_requires_grad();
  const Tensor x = rng.normal({5, 3}, DType::f64), y = rng.normal({5, 2}, DType::f64);
  const auto loss = [&](const Tensors& in) { return sum(square(tanh(linear(in[0], weight, bias)) - in[1])); };
  const Tensors rows = per_sample_grads(loss, {weight, bias}, {x, y});
  CHECK(rows[0].shape() == Shape{5, 2, 3});
  CHECK(rows[1].shape() == Shape{5, 2});
  const Tensors whole = grad({loss({x, y})}, {weight, bias});
  for (size_t i = 0; i < 2; ++i) CHECK(allclose(sum(rows[i], 0), whole[i], 1e-12));
  const Tensors third = grad({loss({slice(x, 0, 3, 4), slice(y, 0, 3, 4)})}, {weight, bias});
  CHECK(allclose(rows[0][3], third[0], 1e-12));
  CHECK_FALSE(rows[0].requires_grad());
  CHECK_FALSE(weight.grad().defined());
  CHECK(message_of<ShapeError>([&] { per_sample_grads(loss, {weight}, {x, slice(y, 0, 0, 4)}); }) ==
        "[per_sample_grads] input 1 of shape [4, 2] has 4 samples, an earlier one 5");
}

TEST_CASE("retain_grad: an intermediate result keeps its gradient") {
  const Tensor x = from_vector<float>({1, 2}).set_requires_grad();
  const Tensor y = x * 3;
  retain_grad(y);
  sum(square(y)).backward();
  CHECK(y.grad().to_vector<float>() == std::vector<float>{6, 12});
  CHECK(x.grad().to_vector<float>() == std::vector<float>{18, 36});
  const Tensor again = x * 3;
  retain_grad(again);
  sum(again).backward();
  CHECK(again.grad().to_vector<float>() == std::vector<float>{1, 1});
  retain_grad(x);  // a leaf keeps it anyway
  CHECK(message_of<AutogradError>([] { retain_grad(ones({2})); }) ==
        "[retain_grad] the tensor of shape [2] needs no gradient");
}
