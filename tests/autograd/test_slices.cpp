// The gradients of several slices of one tensor are added up in one place.
#include <doctest/doctest.h>

#include <ditharos/autograd/engine.h>
#include <ditharos/autograd/gradcheck.h>
#include <ditharos/autograd/ops.h>
#include <ditharos/tensor/allocator.h>
#include <ditharos/tensor/random.h>
#include "tests/support/tensor_cases.h"

using namespace ditharos;
using ditharos::tests::same_bits;

TEST_CASE("slices: overlapping ones, with steps, of a leaf and of a result, have the gradient of their sum") {
  Generator rng(1);
  const Tensor x = rng.normal({6, 5}, DType::f64).set_requires_grad();
  const std::vector<Tensor> weights = {rng.normal({4, 5}, DType::f64), rng.normal({3, 5}, DType::f64),
                                       rng.normal({6, 2}, DType::f64)};
  const auto loss = [&](const Tensor& y) {
    return sum(slice(y, 0, 1, 5) * weights[0]) + sum(slice(y, 0, 0, 6, 2) * weights[1]) +
           sum(slice(y, 1, 3, 5) * weights[2]);
  };
  Tensor want = zeros({6, 5}, DType::f64);
  want.slice(0, 1, 5).copy_(weights[0]);
  want.slice(0, 0, 6, 2).copy_(want.slice(0, 0, 6, 2) + weights[1]);
  want.slice(1, 3, 5).copy_(want.slice(1, 3, 5) + weights[2]);
  CHECK(allclose(grad(loss(x), x), want, 0, 1e-15));
  CHECK(allclose(grad(loss(x * 1.0), x), want, 0, 1e-15));
  loss(x).backward();
  loss(x).backward();  // adds to the gradient that x has
  CHECK(allclose(x.grad(), want * 2.0, 0, 1e-15));
}

TEST_CASE("slices: the first gradient belongs to others too") {
  // The whole has a gradient that another tensor's gradient is as well: it must not be written to.
  const Tensor a = ones({4}).set_requires_grad(), b = ones({4}).set_requires_grad();
  const Tensor y = a + 0.0, z = y + b;
  const Tensor part = slice(y, 0, 0, 2);
  (sum(part) + sum(z)).backward();
  CHECK(a.grad().to_vector<double>() == std::vector<double>{2, 2, 1, 1});
  CHECK(b.grad().to_vector<double>() == std::vector<double>{1, 1, 1, 1});
}

TEST_CASE("slices: derivatives of higher order") {
  Generator rng(2);
  const Tensor x = rng.normal({4, 3}, DType::f64);
  const GradcheckResult result = gradcheck(
      [](const std::vector<Tensor>& in) {
        const Tensor y = square(in[0]);
        return slice(y, 0, 0, 3) * slice(y, 0, 1, 4) + select(y, 0, 2);
      },
      {x}, {.order = 3});
  CHECK_MESSAGE(result.ok, result.message);
}

TEST_CASE("slices: taking a tensor apart needs its memory once in the backward pass") {
  const int64_t rows = 64, columns = 4096;
  const Tensor x = Generator(3).normal({rows, columns}).set_requires_grad();
  Tensor total = scalar(0);
  for (const Tensor& row : unbind(x, 0)) total = total + sum(row);
  const size_t before = allocator_stats().live;
  reset_peak();
  const Tensor gradient = grad(total, x);
  const size_t whole = size_t(rows * columns) * sizeof(float);
  CHECK(allocator_stats().peak - before < whole + whole / 2);
  CHECK(same_bits(gradient, ones({rows, columns})));
}
