// Derivatives of derivatives, where fused kernels and saved statistics could break them; kinks; gradcheck itself.
#include <doctest/doctest.h>

#include <cmath>

#include <ditharos/autograd/engine.h>
#include <ditharos/autograd/gradcheck.h>
#include <ditharos/autograd/node.h>
#include <ditharos/autograd/ops.h>
#include <ditharos/tensor/parallel.h>
#include <ditharos/tensor/random.h>
#include "tests/support/tensor_cases.h"

namespace ditharos::test_higher_order {

namespace {

using Values = std::vector<double>;
using Tensors = std::vector<Tensor>;

Tensor leaf(const Values& values) { return from_vector(values).set_requires_grad(); }
Values values_of(const Tensor& x) { return x.to_vector<double>(); }

/// The function's derivatives pass to this order.
void passes(int order, const std::function<Tensor(const Tensors&)>& f, const Tensors& inputs) {
  const GradcheckResult r = gradcheck(f, inputs, {.order = order, .tolerance = 1e-6});
  CHECK_MESSAGE(r.ok, r.message);
}

Tensor random(const Shape& shape, uint64_t seed = 5) { return Generator(seed).normal(shape, DType::f64); }

}  // namespace

TEST_CASE("higher order: a polynomial, five times") {
  const Tensor x = leaf({2, -3});
  Tensor y = sum(pow(x, 4) + pow(x, 2));
  const Values expected[] = {{36, -114}, {50, 110}, {48, -72}, {24, 24}, {0, 0}};
  for (const Values& want : expected) {
    const Tensor g = grad(y, x, {}, {.create_graph = true});
    CHECK(values_of(g) == want);
    y = sum(g);
  }
}

TEST_CASE("higher order: fused operations to the third") {
  // Statistics of the forward pass that were taken for constants would show here.
  passes(3, [](const Tensors& x) { return layer_norm(x[0], x[1], x[2], 1e-2); },
         {random({2, 5}), random({5}, 6), random({5}, 7)});
  passes(3, [](const Tensors& x) { return layer_norm_modulate(x[0], x[1], x[2], 1e-2); },
         {random({2, 3, 4}), random({2, 4}, 6), random({2, 4}, 7)});
  passes(3, [](const Tensors& x) { return attention(x[0], 2); }, {random({1, 3, 12})});
  passes(3, [](const Tensors& x) { return softmax(x[0], -1); }, {random({2, 4})});
  const Tensor labels = from_vector<int64_t>({1, 3});
  passes(3, [&](const Tensors& x) { return cross_entropy(x[0], labels); }, {random({2, 4})});
  passes(3, [](const Tensors& x) { return gelu(x[0]) * gelu_tanh(x[0]) + silu(x[0]); }, {random({5})});
}

TEST_CASE("higher order: the second derivative goes on through a fused operation to what came before") {
  const auto network = [](const Tensors& x) {
    const Tensor h = layer_norm(linear(x[0], x[1]), {}, {}, 1e-2);
    return linear(attention(linear(h, x[2]), 2), x[3]);
  };
  passes(2, network, {random({1, 3, 4}), random({4, 4}, 1), random({12, 4}, 2), random({2, 4}, 3)});
  // The same to the eye: a gradient penalty trains the layer in front of the attention.
  const Tensor w = random({12, 4}, 2).set_requires_grad(), x = random({1, 3, 4}).set_requires_grad();
  const Tensor g = grad(sum(square(attention(linear(x, w), 2))), x, {}, {.create_graph = true});
  sum(square(g)).backward();
  double largest = 0;
  for (double v : values_of(w.grad())) largest = std::max(largest, std::abs(v));
  CHECK(largest > 1e-3);
}

TEST_CASE("higher order: shared inputs, views and joins") {
  passes(3, [](const Tensors& x) { return x[0] * x[0] * exp(x[0]); }, {random({3})});
  passes(2,
         [](const Tensors& x) {
           const Tensor t = transpose(x[0], 0, 1);
           return cat({matmul(t, x[0]), slice(t, 1, 0, 2) * select(x[0], 0, 1).unsqueeze(1)}, 1);
         },
         {random({2, 3})});
  passes(2, [](const Tensors& x) { return x[0] / (x[1] + sum(square(x[0]), {1}, true)); },
         {random({2, 3}), random({3}, 9)});
}

TEST_CASE("kinks: ties share, bounds count as inside, relu has none at zero") {
  const Tensor a = leaf({1, 2, 3}), b = leaf({1, 3, 2});
  const auto sides = grad({maximum(a, b)}, {a, b}, {from_vector(Values{1, 1, 1})});
  CHECK(values_of(sides[0]) == Values{.5, 0, 1});
  CHECK(values_of(sides[1]) == Values{.5, 1, 0});
  CHECK(values_of(grad(sum(minimum(a, b)), a)) == Values{.5, 1, 0});
  CHECK(values_of(grad(sum(maximum(a, a)), a)) == Values{1, 1, 1});
  const Tensor t = leaf({2, 5, 5, 1});
  CHECK(values_of(grad(amax(t), t)) == Values{0, .5, .5, 0});
  const Tensor x = leaf({-1, 0, 1, 2});
  CHECK(values_of(grad(sum(clamp(x, 0, 1)), x)) == Values{0, 1, 1, 0});
  CHECK(values_of(grad(sum(relu(x)), x)) == Values{0, 0, 1, 1});
  CHECK(values_of(grad(sum(abs(x)), x)) == Values{-1, 0, 1, 1});
  CHECK(values_of(grad(sum(pow(leaf({0}), 0)), leaf({0}))) == Values{0});
}

TEST_CASE("selection: a gradient that is not a number stays in its branch") {
  const Tensor x = leaf({4, 0}), y = leaf({1, 1});
  const Tensor condition = greater(x, scalar(0, DType::f64));
  const auto found = grad({where(condition, x, y)}, {x, y}, {from_vector(Values{1, NAN})});
  CHECK(values_of(found[0]) == Values{1, 0});
  CHECK(values_of(found[1])[0] == 0);
  // The way to a safe square root: select before and after.
  const Tensor safe = where(condition, x, scalar(1, DType::f64));
  CHECK(values_of(grad(sum(where(condition, sqrt(safe), scalar(0, DType::f64))), x)) == Values{.25, 0});
}

TEST_CASE("gradcheck: finds wrong rules at the order where they are wrong") {
  const auto square_with = [](const Rule& rule) {
    return [rule](const Tensors& x) { return record("test.square", square(x[0].detach()), {x[0]}, save_inputs, rule); };
  };
  const Tensors x = {random({3})};
  CHECK(gradcheck(square_with(each([](const Backward& d) { return d.grad() * d.input(0) * 2.0; })), x).ok);

  const GradcheckResult first =
      gradcheck(square_with(each([](const Backward& d) { return d.grad() * d.input(0) * 2.001; })), x);
  CHECK_FALSE(first.ok);
  CHECK(first.message.substr(0, 20) == "[gradcheck] order 1:");
  CHECK(first.message.find("; wrong for input 0") != std::string::npos);
  CHECK(first.error > 1e-4);

  // Right to first order; but it takes its input for a constant.
  const auto detached = square_with(each([](const Backward& d) { return d.grad() * d.input(0).detach() * 2.0; }));
  CHECK(gradcheck(detached, x, {.order = 1}).ok);
  const GradcheckResult second = gradcheck(detached, x);
  CHECK_FALSE(second.ok);
  CHECK(second.message.substr(0, 20) == "[gradcheck] order 2:");

  // A rule of nothing, and one of NaN.
  CHECK_FALSE(gradcheck(square_with(each([](const Backward&) { return Tensor{}; })), x).ok);
  CHECK_FALSE(gradcheck(square_with(each([](const Backward& d) { return d.grad() * NAN; })), x).ok);
  // Which of two inputs is wrong.
  const GradcheckResult two = gradcheck(
      [](const Tensors& in) {
        return record(
            "test.product", (in[0] * in[1]).detach(), {in[0], in[1]}, save_inputs,
            each([](const Backward& d) { return d.grad() * d.input(1); }, [](const Backward& d) { return d.grad(); }));
      },
      {random({3}), random({3}, 8)}, {.order = 1});
  CHECK(two.message.find("; wrong for input 1") != std::string::npos);
  CHECK(two.message.find("wrong for input 0") == std::string::npos);
  // A softmax with a wrong rule that a plain sum would not see: its gradient of a sum is zero anyway.
  CHECK_FALSE(gradcheck(
                  [](const Tensors& in) {
                    return record("test.softmax", softmax(in[0].detach(), -1), {in[0]}, save_output,
                                  each([](const Backward& d) {
                                    return d.output() * (d.grad() - sum(d.grad() * d.output(), {-1}, true)) * 2.0;
                                  }));
                  },
                  {random({2, 3})})
                  .ok);
}

TEST_CASE("training step of an MLP: the same bytes at every number of threads") {
  const auto step = [] {
    Generator rng(4);
    const Tensor x = rng.normal({300, 96}), target = rng.normal({300, 33});
    Tensors parameters = {rng.normal({257, 96}), zeros({257}), rng.normal({33, 257}), zeros({33})};
    for (const Tensor& p : parameters) p.set_requires_grad();
    const Tensor hidden = gelu_tanh(linear(x, parameters[0], parameters[1]));
    mse_loss(linear(layer_norm(hidden), parameters[2], parameters[3]), target).backward();
    Tensors grads;
    for (const Tensor& p : parameters) grads.push_back(p.grad());
    return grads;
  };
  const Tensors expected = step();
  tests::for_each_thread_count([&] {
    const Tensors got = step();
    for (size_t i = 0; i < got.size(); ++i) CHECK(tests::same_bits(got[i], expected[i]));
  });
}

}  // namespace ditharos::test_higher_order
