// Comparisons and the selection between two tensors.
#include <cmath>
#include <vector>

#include <doctest/doctest.h>

#include <ditharos/tensor/factory.h>
#include <ditharos/tensor/kernels/pointwise/pointwise.h>
#include <ditharos/tensor/kernels/pointwise/select.h>
#include <ditharos/tensor/random.h>
#include <ditharos/tensor/view.h>
#include "tests/support/tensor_cases.h"

namespace ditharos::tests {
namespace {

using kernels::Compare;

TEST_CASE("select: any layouts that broadcast, every dtype") {
  Choices choices(5);
  for (int round = 0; round < 100; ++round) {
    const Shape shape = random_shape(choices, int(choose(choices, 0, 4)), 9);
    const DType dtypes[] = {DType::f32, DType::f64, DType::bf16, DType::f16,
                            DType::i64, DType::i32, DType::u8,   DType::boolean};
    const DType dtype = dtypes[size_t(round) % std::size(dtypes)];
    const Tensor a = random_layout(choices, random_part(choices, shape), dtype);
    const Tensor b = random_layout(choices, random_part(choices, shape), dtype);
    const Shape out = broadcast_shapes("test", a.shape(), b.shape());
    const std::vector<double> x = views::expand(a, out).to_vector<double>(),
                              y = views::expand(b, out).to_vector<double>();
    const auto holds = [](Compare op, double p, double q) {
      switch (op) {
        case Compare::eq: return p == q;
        case Compare::ne: return p != q;
        case Compare::lt: return p < q;
        case Compare::le: return p <= q;
        case Compare::gt: return p > q;
        default: return p >= q;
      }
    };
    for (Compare op : {Compare::eq, Compare::ne, Compare::lt, Compare::le, Compare::gt, Compare::ge}) {
      const std::vector<int64_t> got = kernels::compare(op, a, b).to_vector<int64_t>();
      for (size_t i = 0; i < got.size(); ++i) REQUIRE(bool(got[i]) == holds(op, x[i], y[i]));
    }
    const Tensor condition = random_layout(choices, random_part(choices, shape), DType::boolean);
    const Tensor chosen = kernels::where(condition, a, b);
    const Shape full = broadcast_shapes("test", out, condition.shape());
    const std::vector<int64_t> c = views::expand(condition, full).to_vector<int64_t>();
    const std::vector<double> l = views::expand(a, full).to_vector<double>(),
                              r = views::expand(b, full).to_vector<double>();
    const std::vector<double> got = chosen.to_vector<double>();
    REQUIRE(chosen.dtype() == dtype);
    for (size_t i = 0; i < got.size(); ++i) REQUIRE(got[i] == (c[i] ? l[i] : r[i]));
  }
}

TEST_CASE("select: a NaN in the branch that is not taken stays out; NaN equals nothing") {
  const Tensor x = from_vector<double>({std::nan(""), 1});
  const Tensor is_number = kernels::compare(Compare::eq, x, x);
  CHECK(is_number.to_vector<int64_t>() == std::vector<int64_t>{0, 1});
  CHECK(kernels::where(is_number, x, scalar(7, DType::f64)).to_vector<double>() == std::vector<double>{7, 1});
}

TEST_CASE("select: every thread count gives the same result; long rows of every layout") {
  const Tensor a = Generator(1).normal({301, 401}), b = Generator(2).normal({301, 401}), zero = scalar(0);
  const Tensor smaller = kernels::compare(Compare::lt, a, b), chosen = kernels::where(smaller, a, b);
  const Tensor left = kernels::where(smaller, a, zero), right = kernels::where(smaller, zero, b);
  const std::vector<float> x = a.to_vector<float>(), y = b.to_vector<float>();
  const std::vector<float> c = chosen.to_vector<float>(), l = left.to_vector<float>(), r = right.to_vector<float>();
  for (size_t i = 0; i < x.size(); ++i) {
    REQUIRE(c[i] == (x[i] < y[i] ? x[i] : y[i]));
    REQUIRE(l[i] == (x[i] < y[i] ? x[i] : 0));
    REQUIRE(r[i] == (x[i] < y[i] ? 0 : y[i]));
  }
  for_each_thread_count([&] {
    CHECK(same_bits(kernels::compare(Compare::lt, a, b), smaller));
    CHECK(same_bits(kernels::where(smaller, a, b), chosen));
  });
}

TEST_CASE("select: no elements, and errors") {
  const Tensor none = zeros({2, 0, 3}), a = zeros({2, 3});
  CHECK(kernels::compare(Compare::lt, none, ones({})).shape() == Shape{2, 0, 3});
  CHECK(kernels::where(kernels::compare(Compare::lt, none, none), none, none).shape() == Shape{2, 0, 3});
  CHECK(message_of<DTypeError>([&] { kernels::where(a, a, a); }) == "[where] the condition must be bool, got f32");
  CHECK(message_of<DTypeError>([&] { kernels::compare(Compare::le, a, arange(3, DType::i64)); }) ==
        "[less_equal] both tensors need one dtype, got f32 and i64");
  CHECK(message_of<ShapeError>([&] { kernels::compare(Compare::gt, a, zeros({4})); }) ==
        "[greater] cannot broadcast shapes [2, 3] and [4]");
  CHECK(message_of<ShapeError>([&] { kernels::where(zeros({4}, DType::boolean), a, a); }) ==
        "[where] cannot broadcast shapes [4] and [2, 3]");
  CHECK(message_of<DTypeError>([&] { kernels::where(zeros({3}, DType::boolean), a, zeros({3}, DType::f64)); }) ==
        "[where] both branches need one dtype, got f32 and f64");
}

}  // namespace
}  // namespace ditharos::tests
