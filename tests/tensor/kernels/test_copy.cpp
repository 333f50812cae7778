// Copies between layouts and element types, against a walk over the storage.
#include <cmath>
#include <limits>
#include <vector>

#include <doctest/doctest.h>

#include <ditharos/tensor/factory.h>
#include <ditharos/tensor/kernels/copy/copy.h>
#include <ditharos/tensor/view.h>
#include "tests/support/tensor_cases.h"

namespace ditharos::tests {
namespace {

/// Row-major elements, found by strides alone.
template <class T>
std::vector<T> walk(const Tensor& x) {
  std::vector<T> out;
  for (int64_t n = 0; n < x.numel(); ++n) {
    int64_t rest = n, at = 0;
    for (int i = x.rank() - 1; i >= 0; --i) {
      at += rest % x.shape()[i] * x.strides()[i];
      rest /= x.shape()[i];
    }
    out.push_back(x.data<T>()[at]);
  }
  return out;
}

TEST_CASE("copy: any layout becomes contiguous, and a contiguous source fills any layout") {
  Choices choices(1);
  for (int round = 0; round < 300; ++round) {
    const int rank = int(choose(choices, 0, 5));
    const Shape shape = random_shape(choices, rank, rank <= 2 ? 90 : 9);
    const Tensor x = random_layout(choices, shape, DType::f32);
    CAPTURE(to_text(x.shape()));
    CAPTURE(to_text(x.strides()));
    const Tensor flat = kernels::to(x, DType::f32);
    REQUIRE(flat.is_contiguous());
    const std::vector<float> expected = walk<float>(x);
    REQUIRE(walk<float>(flat) == expected);
    REQUIRE(x.to_vector<float>() == expected);
    const Tensor target = random_layout(choices, shape, DType::f64, true);
    kernels::copy_into(target, x);
    REQUIRE(target.to_vector<float>() == expected);
  }
}

TEST_CASE("copy: transpositions larger than a tile, at every thread count") {
  Choices choices(2);
  const Tensor x = random_layout(choices, {3, 157, 211}, DType::f32);
  const Tensor turned = views::permute(views::reshape(kernels::contiguous(x), x.shape()), {0, 2, 1});
  const std::vector<float> expected = walk<float>(turned);
  for_each_thread_count([&] { CHECK(walk<float>(kernels::contiguous(turned)) == expected); });
}

TEST_CASE("copy: a write through a view leaves its surroundings alone") {
  const Tensor x = zeros({6, 7});
  kernels::copy_into(views::slice(views::slice(x, 0, 1, 5, 2), 1, 2, 6, 3), ones({2, 2}));
  std::vector<float> expected(42);
  for (int row : {1, 3})
    for (int column : {2, 5}) expected[size_t(row * 7 + column)] = 1;
  CHECK(x.to_vector<float>() == expected);
}

TEST_CASE("copy: conversions") {
  const double nan = std::nan(""), infinity = std::numeric_limits<double>::infinity();
  const Tensor x = from_vector<double>({-1.9, 1.9, 0, -0.0, nan, infinity, -infinity, 300, 1e30, 0.3});
  constexpr int64_t low = std::numeric_limits<int64_t>::min(), high = std::numeric_limits<int64_t>::max();
  CHECK(kernels::to(x, DType::i64).to_vector<int64_t>() ==
        std::vector<int64_t>{-1, 1, 0, 0, 0, high, low, 300, high, 0});
  CHECK(kernels::to(x, DType::i32).to_vector<int64_t>() ==
        std::vector<int64_t>{-1, 1, 0, 0, 0, INT32_MAX, INT32_MIN, 300, INT32_MAX, 0});
  CHECK(kernels::to(x, DType::u8).to_vector<int64_t>() == std::vector<int64_t>{0, 1, 0, 0, 0, 255, 0, 255, 255, 0});
  CHECK(kernels::to(x, DType::boolean).to_vector<int64_t>() == std::vector<int64_t>{1, 1, 0, 0, 1, 1, 1, 1, 1, 1});
  CHECK(kernels::to(scalar(9223372036854775807.0, DType::f64), DType::i64).to_vector<int64_t>()[0] == high);
  CHECK(kernels::to(from_vector<int64_t>({-1, 256, high}), DType::u8).to_vector<int64_t>() ==
        std::vector<int64_t>{255, 0, 255});
}

TEST_CASE("copy: bf16 rounds to nearest even and keeps NaN") {
  // 1 + 2^-8 lies half-way between two neighbours; the even one is 1. 1 + 3 * 2^-8 goes up.
  const Tensor x = from_vector<float>({1 + 0x1p-8f, 1 + 0x3p-8f, 1 + 0x1.02p-8f, std::nanf(""), 3.4e38f});
  const std::vector<float> y = kernels::to(x, DType::bf16).to_vector<float>();
  CHECK(y[0] == 1);
  CHECK(y[1] == 1 + 0x1p-6f);
  CHECK(y[2] == 1 + 0x1p-7f);
  CHECK(std::isnan(y[3]));
  CHECK(std::isinf(y[4]));
}

TEST_CASE("copy: f16 converts to and from every dtype, and moves in any layout") {
  const Tensor x = from_vector<double>({-1.5, 0, 2, 300, 1e6, 0x1p-24, 0x1p-26});
  const Tensor h = kernels::to(x, DType::f16);
  const std::vector<double> values = h.to_vector<double>();
  CHECK(std::vector<double>(values.begin(), values.begin() + 4) == std::vector<double>{-1.5, 0, 2, 300});
  CHECK(std::isinf(values[4]));
  CHECK(values[5] == 0x1p-24);
  CHECK(values[6] == 0);
  CHECK(h.to_vector<int>() == std::vector<int>{-1, 0, 2, 300, INT32_MAX, 0, 0});
  CHECK(h.to_vector<bool>() == std::vector<bool>{true, false, true, true, true, true, false});
  CHECK(kernels::to(kernels::to(h, DType::bf16), DType::f16).to_vector<float>()[3] == 300);
  CHECK(kernels::to(from_vector<int64_t>({2049, -3}), DType::f16).to_vector<int>() == std::vector<int>{2048, -3});
  Choices choices(11);
  for (int round = 0; round < 20; ++round) {
    const Tensor y = random_layout(choices, random_shape(choices, 3, 8), DType::f16);
    CHECK(same_bits(kernels::to(kernels::to(y, DType::f32), DType::f16), kernels::contiguous(y)));
    CHECK(
        same_bits(kernels::cat({y, y}, 0),
                  kernels::to(kernels::cat({kernels::to(y, DType::f32), kernels::to(y, DType::f32)}, 0), DType::f16)));
  }
}

TEST_CASE("copy: contiguous returns the tensor itself where it can") {
  const Tensor x = arange(12), turned = views::permute(views::reshape(x, {3, 4}), {1, 0});
  CHECK(kernels::contiguous(x).impl() == x.impl());
  CHECK(kernels::contiguous(turned).storage() != x.storage());
}

TEST_CASE("copy: cat is the inverse of slicing") {
  Choices choices(3);
  for (int round = 0; round < 60; ++round) {
    const int rank = int(choose(choices, 1, 4)), axis = int(choose(choices, 0, rank - 1));
    const Tensor x = random_layout(choices, random_shape(choices, rank, 8), DType::i32);
    const int64_t n = x.size(axis), a = choose(choices, 0, n), b = choose(choices, a, n);
    const std::vector<Tensor> parts = {views::slice(x, axis, 0, a, 1), views::slice(x, axis, a, b, 1),
                                       views::slice(x, axis, b, n, 1)};
    CHECK(same_bits(kernels::cat(parts, axis - (round % 2 ? rank : 0)), x));
  }
}

TEST_CASE("copy: errors say what was got, before anything is written") {
  const Tensor target = zeros({2, 3});
  const uint64_t version = target.version();
  CHECK(message_of<ShapeError>([&] { kernels::copy_into(target, ones({3, 2})); }) ==
        "[copy_into] cannot copy shape [3, 2] into shape [2, 3]");
  CHECK(target.version() == version);
  CHECK(message_of<ShapeError>([] { kernels::cat({}, 0); }) == "[cat] needs at least one tensor");
  CHECK(message_of<ShapeError>([] { kernels::cat({zeros({2, 3}), zeros({2, 4})}, 0); }) ==
        "[cat] shapes [2, 3] and [2, 4] differ in more than axis 0");
  CHECK(message_of<ShapeError>([] { kernels::cat({zeros({2, 3}), zeros({2})}, 0); }) ==
        "[cat] shapes [2, 3] and [2] differ in more than axis 0");
  CHECK(message_of<DTypeError>([] { kernels::cat({zeros({2}), zeros({2}, DType::f64)}, 0); }) ==
        "[cat] all tensors need one dtype, got f32 and f64");
  CHECK(message_of<ShapeError>([] { kernels::cat({zeros({2})}, 1); }) ==
        "[cat] axis 1 is out of range for a tensor of rank 1");
}

TEST_CASE("factory: values, shapes and errors") {
  CHECK(full({2, 2}, 2.5, DType::f64).to_vector<double>() == std::vector<double>(4, 2.5));
  CHECK(full({3}, 2.5, DType::i64).to_vector<int64_t>() == std::vector<int64_t>(3, 2));
  CHECK(scalar(7).rank() == 0);
  CHECK(scalar(7).item() == 7);
  CHECK(arange(4, DType::i64).to_vector<int64_t>() == std::vector<int64_t>{0, 1, 2, 3});
  CHECK(eye(3).to_vector<float>() == std::vector<float>{1, 0, 0, 0, 1, 0, 0, 0, 1});
  CHECK(eye(0).numel() == 0);
  CHECK(zeros({0, 3}).numel() == 0);
  const std::vector<double> points = linspace(-1, 1, 1001, DType::f64).to_vector<double>();
  CHECK(points.front() == -1);
  CHECK(points.back() == 1);
  CHECK(points[500] == 0);
  for (size_t i = 0; i < points.size(); ++i) CHECK(points[i] == -points[points.size() - 1 - i]);
  CHECK(linspace(3, 4, 1).to_vector<float>() == std::vector<float>{3});
  CHECK(message_of<ShapeError>([] { from_vector<float>({1, 2, 3}, {2, 2}); }) ==
        "[from_vector] 3 values do not fill shape [2, 2]");
  CHECK(message_of<ShapeError>([] { arange(-1); }) == "[arange] the length cannot be negative, got -1");
  CHECK(message_of<ShapeError>([] { zeros({2, -1}); }) == "a size cannot be negative: [2, -1]");
}

}  // namespace
}  // namespace ditharos::tests
