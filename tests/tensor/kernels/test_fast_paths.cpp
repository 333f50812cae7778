// Kernels that take a faster way for some inputs: its results are those of the other way.
#include <doctest/doctest.h>

#include <bit>
#include <cmath>
#include <limits>
#include <vector>

#include <ditharos/autograd/ops.h>
#include <ditharos/tensor/kernels/copy/copy.h>
#include <ditharos/tensor/kernels/gemm/matmul.h>
#include <ditharos/tensor/kernels/index/index.h>
#include <ditharos/tensor/kernels/pointwise/pointwise.h>
#include <ditharos/tensor/kernels/random/random_isa.h>
#include <ditharos/tensor/kernels/reduce/scan.h>
#include <ditharos/tensor/random.h>
#include <ditharos/tensor/view.h>
#include "tests/support/tensor_cases.h"

namespace ditharos::test_fast_paths {

using namespace ditharos::tests;

namespace {

constexpr float infinite = std::numeric_limits<float>::infinity(), nan = std::numeric_limits<float>::quiet_NaN();

/// Numbers of all sizes, with zeros, infinities, NaN, a denormal, and the ends of the range.
std::vector<float> many_numbers() {
  std::vector<float> x = {0, -0.f, infinite, -infinite, nan, 1e-40f, 3e38f, -3e38f, 1e-38f, 1e6f, 1e6f + 1, -2e7f};
  const Tensor sizes = Generator(1).uniform({2000}) * 40.0 - 20.0, numbers = Generator(2).normal({2000});
  for (int64_t i = 0; i < 2000; ++i)
    x.push_back(numbers.data<float>()[i] * float(std::exp2(double(sizes.data<float>()[i]))));
  return x;
}

}  // namespace

TEST_CASE("fast paths: powers of whole and half exponents are those of the C library in double, rounded") {
  const std::vector<float> x = many_numbers();
  for_each_isa([&] {
    for (const double exponent : {3., 5., -3., 31., 1.5, 2.5, -1.5, -2.5, 31.5}) {
      const std::vector<float> y =
          kernels::unary(kernels::Unary::pow_scalar, from_vector(x), exponent).to_vector<float>();
      for (size_t i = 0; i < x.size(); ++i) {
        CAPTURE(x[i]);
        CAPTURE(exponent);
        const auto expected = float(std::pow(double(x[i]), exponent));
        // Denormal numbers are taken for 0.
        constexpr float least = std::numeric_limits<float>::min();
        if (x[i] != 0 && std::abs(x[i]) < least) continue;
        if (std::isnan(expected)) REQUIRE(std::isnan(y[i]));
        else if (std::abs(expected) < least) REQUIRE(std::abs(y[i]) < least);
        else REQUIRE(std::bit_cast<uint32_t>(y[i]) == std::bit_cast<uint32_t>(expected));
      }
    }
  });
}

TEST_CASE("fast paths: sine and cosine are rounded correctly, but for a few close to the middle of two floats") {
  const std::vector<float> x = many_numbers();
  const auto check_one = [&](kernels::Unary op, double (*exact)(double)) {
    const std::vector<float> y = kernels::unary(op, from_vector(x)).to_vector<float>();
    int others = 0;
    for (size_t i = 0; i < x.size(); ++i) {
      const auto expected = float(exact(double(x[i])));
      if (std::isnan(expected)) REQUIRE(std::isnan(y[i]));
      else others += std::bit_cast<uint32_t>(y[i]) != std::bit_cast<uint32_t>(expected);
    }
    CHECK(others <= 4);  // beyond the limit of 1e6 it is the C library's f32
  };
  for_each_isa([&] {
    check_one(kernels::Unary::sin, [](double v) { return std::sin(v); });
    check_one(kernels::Unary::cos, [](double v) { return std::cos(v); });
  });
}

TEST_CASE("fast paths: normal numbers keep their bits") {
  for_each_isa([] {
    std::vector<float> x(1 << 18);
    kernels::isa_kernels<kernels::RandomKernels>().normal_f32(7, (uint64_t(1) << 40) + 3, 1 << 18, x.data());
    uint64_t hash = 0;
    for (const float v : x) hash = hash * 1099511628211u + std::bit_cast<uint32_t>(v);
    CHECK(hash == 9966416653112993516u);
  });
}

TEST_CASE("fast paths: a running sum from the end is the running sum of the reversed tensor, reversed") {
  const Tensor x = Generator(3).normal({5, 37, 6});
  for (int axis = 0; axis < 3; ++axis)
    CHECK(same_bits(kernels::cumsum(x, axis, true), flip(kernels::cumsum(flip(x, {axis}), axis), {axis})));
  const Tensor one = views::expand(scalar(1), {3, 9});
  CHECK(kernels::cumsum(one, 1, true).to_vector<float>()[9] == 9);
}

TEST_CASE("fast paths: slices are added along any axis as along the first") {
  for (const int64_t size : {int64_t(2), int64_t(40)})  // many slices for each destination, and few
    for (const Shape& shape : {Shape{3, 100}, Shape{3, 100, 5}, Shape{2, 100, 300}}) {
      const Tensor x = Generator(4).normal(shape), index = Generator(5).randint(0, size, {100});
      const Tensor first = kernels::index_add(kernels::contiguous(views::transpose(x, 0, 1)), index, size);
      CHECK(same_bits(kernels::index_add(x, 1, index, size), kernels::contiguous(views::transpose(first, 0, 1))));
    }
  CHECK(message_of<ShapeError>([] { kernels::index_add(zeros({2, 3}), 1, from_vector<int64_t>({0, 1, 4}), 4); }) ==
        "[index_add] index 4 is not in [0, 4)");
}

TEST_CASE("fast paths: lines that check their own indices refuse those outside") {
  std::vector<int64_t> places(80, 1);
  places[77] = -1;
  const Tensor index = from_vector(places, {2, 40});
  CHECK(message_of<ShapeError>([&] { kernels::gather(zeros({2, 5}), 1, index); }) ==
        "[gather] index -1 is not in [0, 5)");
  CHECK(message_of<ShapeError>([&] { kernels::scatter_add(zeros({2, 40}), 1, index, {2, 5}); }) ==
        "[scatter_add] index -1 is not in [0, 5)");
  places[77] = 5;
  CHECK(message_of<ShapeError>([&] { kernels::gather(zeros({2, 5}), 1, from_vector(places, {2, 40})); }) ==
        "[gather] index 5 is not in [0, 5)");
}

TEST_CASE("fast paths: small products of a batch, in every layout") {
  Choices choices(6);
  for_each_isa([&] {
    for (int round = 0; round < 60; ++round) {
      const int64_t m = choose(choices, 1, 30), n = choose(choices, 1, 30), k = choose(choices, 1, 30);
      Tensor a = Generator(7).normal(round % 2 == 0 ? Shape{3, m, k} : Shape{3, k, m});
      Tensor b = Generator(8).normal(round % 4 < 2 ? Shape{3, k, n} : Shape{3, n, k});
      if (round % 2 != 0) a = views::transpose(a, 1, 2);
      if (round % 4 >= 2) b = views::transpose(b, 1, 2);
      const Tensor exact = kernels::matmul(kernels::to(a, DType::f64), kernels::to(b, DType::f64));
      const Tensor error = abs(kernels::to(kernels::matmul(a, b), DType::f64) - exact);
      CHECK(max(error).item() < 2e-6 * double(k));
    }
  });
}

}  // namespace ditharos::test_fast_paths
