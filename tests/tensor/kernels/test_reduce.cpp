// Sums, largest elements and sums of squares against walks over all elements.
#include <cmath>
#include <limits>
#include <vector>

#include <doctest/doctest.h>

#include <ditharos/autograd/ops.h>
#include <ditharos/tensor/factory.h>
#include <ditharos/tensor/kernels/copy/copy.h>
#include <ditharos/tensor/kernels/reduce/extremum.h>
#include <ditharos/tensor/kernels/reduce/reduce.h>
#include <ditharos/tensor/random.h>
#include <ditharos/tensor/view.h>
#include "tests/support/tensor_cases.h"

namespace ditharos::tests::test_reduce {
namespace {

const double nan = std::nan("");

struct NaiveSum {
  Shape kept;  ///< with 1 in place of the summed axes
  std::vector<double> values;
  std::vector<double> sizes;  ///< sums of the absolute values: what rounding errors are measured by
};
NaiveSum naive_sum(const Tensor& x, const Axes& axes) {
  NaiveSum out{x.shape(), {}, {}};
  for (int i = 0; i < x.rank(); ++i)
    if (axes.empty()) out.kept[i] = 1;
  for (int64_t axis : axes) out.kept[int(axis < 0 ? axis + x.rank() : axis)] = 1;
  out.values.resize(size_t(numel(out.kept))), out.sizes.resize(out.values.size());
  const std::vector<double> v = x.to_vector<double>();
  const Strides from = contiguous_strides(x.shape()), to = contiguous_strides(out.kept);
  for (size_t n = 0; n < v.size(); ++n) {
    int64_t at = 0;
    for (int i = 0; i < x.rank(); ++i)
      if (out.kept[i] != 1) at += int64_t(n) / from[i] % x.shape()[i] * to[i];
    out.values[size_t(at)] += v[n], out.sizes[size_t(at)] += std::abs(v[n]);
  }
  return out;
}

void check_sum(const Tensor& x, const Axes& axes) {
  const NaiveSum expected = naive_sum(x, axes);
  const Tensor got = kernels::sum(x, axes, true);
  CAPTURE(to_text(x.shape()));
  CAPTURE(to_text(x.strides()));
  CAPTURE(to_text(axes));
  REQUIRE(got.shape() == expected.kept);
  const double epsilon = x.dtype() == DType::f32 ? 1e-6 : x.dtype() == DType::f64 ? 1e-14 : 0;
  const std::vector<double> values = got.to_vector<double>();
  for (size_t i = 0; i < values.size(); ++i)
    REQUIRE(std::abs(values[i] - expected.values[i]) <= epsilon * expected.sizes[i]);
  REQUIRE(kernels::sum(x, axes, false).to_vector<double>() == values);
}

Axes random_axes(Choices& choices, int rank) {
  Axes axes;
  for (int i = 0; i < rank; ++i)
    if (choose(choices, 0, 1)) axes.push_back(choose(choices, 0, 1) ? i : i - rank);
  return axes;
}

TEST_CASE("sum: any axes of any layout, on every instruction set") {
  for_each_isa([] {
    Choices choices(1);
    for (int round = 0; round < 200; ++round) {
      const int rank = int(choose(choices, 0, 5));
      const DType dtypes[] = {DType::f32, DType::f64, DType::i64, DType::i32, DType::u8, DType::boolean};
      const Tensor x = random_layout(choices, random_shape(choices, rank, rank < 3 ? 150 : 9), dtypes[round % 6]);
      check_sum(x, random_axes(choices, rank));
    }
  });
}

TEST_CASE("sum: pieces, tiles and chunks, at every thread count with the same bits") {
  Generator numbers(2);
  const std::vector<std::pair<Tensor, Axes>> cases = {
      {numbers.normal({200003}), {}},     // chunks of one row
      {numbers.normal({5, 70001}), {1}},  // chunks of several rows
      {numbers.normal({3, 700, 70}), {0, 2}},
      {numbers.normal({2000, 5, 71}), {0, 2}},  // many short rows, in chunks
      {numbers.normal({3000, 300}), {0}},       // columns: tiles and chunks
      {numbers.normal({40, 60, 33}), {0, 1}},
      {numbers.normal({7, 5000, 20}), {1}},
      {views::permute(numbers.normal({300, 3000}), {1, 0}), {0}},
      {views::slice(numbers.normal({2000, 100}), 1, 0, 100, 2), {0}},
      {views::slice(numbers.normal({9, 40000}), 1, 0, 40000, 2), {1}},
      {numbers.normal({30000, 3}), {0}},  // rows too short to be worth a loop
      {numbers.randint(-9, 9, {300, 301}), {0}},
  };
  for (const auto& [x, axes] : cases) {
    check_sum(x, axes);
    const Tensor once = kernels::sum(x, axes, false);
    for_each_thread_count([&, &x = x, &axes = axes] { REQUIRE(same_bits(kernels::sum(x, axes, false), once)); });
  }
}

TEST_CASE("sum: a plain sum of floats has the same bits on every instruction set") {
  const Tensor x = Generator(3).normal({123, 457});
  const Tensor all = kernels::sum(x, {}, false), columns = kernels::sum(x, {0}, false),
               rows = kernels::sum(x, {1}, false);
  for_each_isa([&] {
    CHECK(same_bits(kernels::sum(x, {}, false), all));
    CHECK(same_bits(kernels::sum(x, {0}, false), columns));
    CHECK(same_bits(kernels::sum(x, {1}, false), rows));
  });
}

TEST_CASE("sum: the error of a long sum of floats stays at a few units in the last place") {
  const int64_t n = int64_t{1} << 24;
  const double expected = double(0.1f) * double(n);  // added one by one it would stop growing at 2 million
  CHECK(std::abs(kernels::sum(full({n}, 0.1), {}, false).item() / expected - 1) < 5e-7);
  CHECK(std::abs(kernels::sum(full({n / 4, 4}, 0.1), {0}, false).to_vector<double>()[3] / expected * 4 - 1) < 5e-7);
  CHECK(std::abs(kernels::sum(full({n / 16, 16}, 0.1), {0}, false).to_vector<double>()[3] / expected * 16 - 1) < 5e-7);
}

TEST_CASE("sum: of nothing is 0; of integers does not overflow 32 bits") {
  CHECK(kernels::sum(zeros({0}), {}, false).item() == 0);
  CHECK(kernels::sum(zeros({3, 0}), {1}, false).to_vector<double>() == std::vector<double>(3));
  CHECK(kernels::sum(zeros({3, 0}), {0}, false).shape() == Shape{0});
  const Tensor total = kernels::sum(full({4}, INT32_MAX, DType::i32), {}, false);
  CHECK(total.dtype() == DType::i64);
  CHECK(total.to_vector<int64_t>()[0] == int64_t{4} * INT32_MAX);
  CHECK(std::isnan(kernels::sum(from_vector<float>({1, NAN, 2}), {}, false).item()));
}

TEST_CASE("sum_to undoes broadcasting") {
  Choices choices(4);
  for (int round = 0; round < 200; ++round) {
    const Shape shape = random_shape(choices, int(choose(choices, 0, 5)), 6), part = random_part(choices, shape);
    const Tensor x = random_layout(choices, shape, DType::f64);
    const int lead = shape.rank() - part.rank();
    Axes axes;
    for (int i = 0; i < shape.rank(); ++i)
      if (i < lead || part[i - lead] == 1) axes.push_back(i);
    const Tensor got = kernels::sum_to(x, part);
    REQUIRE(got.shape() == part);
    const std::vector<double> expected = axes.empty() ? x.to_vector<double>() : naive_sum(x, axes).values;
    const std::vector<double> values = got.to_vector<double>();
    for (size_t i = 0; i < values.size(); ++i) REQUIRE(values[i] == doctest::Approx(expected[i]).epsilon(1e-12));
  }
  const Tensor x = zeros({2, 3});
  CHECK(kernels::sum_to(x, {2, 3}).impl() == x.impl());
  CHECK(message_of<ShapeError>([&] { kernels::sum_to(x, {2}); }) == "[sum_to] shape [2, 3] does not sum down to [2]");
}

TEST_CASE("amax and argmax: along any axis of any layout; the first of equals; NaN wins") {
  Choices choices(5);
  for (int round = 0; round < 300; ++round) {
    const int rank = int(choose(choices, 1, 4)), axis = int(choose(choices, 0, rank - 1));
    const DType dtypes[] = {DType::f32, DType::f64, DType::i64, DType::i32, DType::u8, DType::boolean};
    const DType dtype = dtypes[round % 6];
    const Tensor x = random_layout(choices, random_shape(choices, rank, rank == 2 ? 150 : 7), dtype, true);
    if (round % 12 == 0) kernels::fill(views::slice(x, axis, x.size(axis) / 2, x.size(axis), 1), nan);
    const Tensor best = kernels::amax(x, axis, round % 2), where = kernels::argmax(x, axis - rank, round % 2);
    Axes to_back;
    for (int i = 0; i < rank; ++i)
      if (i != axis) to_back.push_back(i);
    to_back.push_back(axis);
    const std::vector<double> lines = views::permute(x, to_back).to_vector<double>();
    const std::vector<double> values = best.to_vector<double>();
    const std::vector<int64_t> positions = where.to_vector<int64_t>();
    Shape expected = x.shape();
    if (round % 2) expected[axis] = 1;
    else expected.erase(axis);
    REQUIRE(best.shape() == expected);
    REQUIRE(where.shape() == expected);
    REQUIRE(best.dtype() == dtype);
    const size_t n = size_t(x.size(axis));
    for (size_t line = 0; line < values.size(); ++line) {
      size_t at = 0;
      for (size_t i = 1; i < n; ++i) {
        const double v = lines[line * n + i], b = lines[line * n + at];
        if (!std::isnan(b) && (v > b || std::isnan(v))) at = i;
      }
      REQUIRE(size_t(positions[line]) == at);
      const double b = lines[line * n + at];
      REQUIRE((std::isnan(b) ? std::isnan(values[line]) : values[line] == b));
    }
  }
}

TEST_CASE("amax: every thread count gives the same result") {
  const Tensor x = Generator(6).normal({300, 511});
  const Tensor rows = kernels::argmax(x, 1, false), columns = kernels::argmax(x, 0, false);
  for_each_thread_count([&] {
    CHECK(same_bits(kernels::argmax(x, 1, false), rows));
    CHECK(same_bits(kernels::argmax(x, 0, false), columns));
  });
}

TEST_CASE("sum_of_squares: in double, any layout, any thread count") {
  for_each_isa([] {
    Choices choices(7);
    for (int64_t n : {0, 1, 31, 33, 1000, 32768, 32769, 200001})
      for (DType dtype : {DType::f32, DType::f64}) {
        const Tensor x = random_layout(choices, {n}, dtype);
        double expected = 0;
        for (double v : x.to_vector<double>()) expected += v * v;
        const double got = kernels::sum_of_squares(x);
        CHECK(got == doctest::Approx(expected).epsilon(1e-13));
        for_each_thread_count([&] { REQUIRE(kernels::sum_of_squares(x) == got); });
      }
  });
  CHECK(kernels::sum_of_squares(full({3}, 1e30)) == doctest::Approx(3e60));  // would overflow in float
}

TEST_CASE("reduce: errors") {
  const Tensor x = zeros({2, 3});
  CHECK(message_of<ShapeError>([&] { kernels::sum(x, {0, -2}, false); }) == "[sum] axes [0, -2] list an axis twice");
  CHECK(message_of<ShapeError>([&] { kernels::sum(x, {2}, false); }) ==
        "[sum] axis 2 is out of range for a tensor of rank 2");
  CHECK(message_of<DTypeError>([&] { kernels::sum(zeros({2}, DType::bf16), {}, false); }) ==
        "[sum] does not take bf16; convert with to(x, DType::f32)");
  CHECK(message_of<ShapeError>([&] { kernels::amax(zeros({2, 0}), 1, false); }) ==
        "[amax] axis 1 of shape [2, 0] is empty: there is no largest element");
  CHECK(kernels::amax(zeros({2, 0}), 0, false).shape() == Shape{0});
  CHECK(message_of<ShapeError>([&] { kernels::argmax(scalar(1), 0, false); }) ==
        "[argmax] axis 0 is out of range for a tensor of rank 0");
  CHECK(message_of<DTypeError>([&] { kernels::sum(zeros({2}, DType::f16), {}, false); }) ==
        "[sum] does not take f16; convert with to(x, DType::f32)");
  CHECK(message_of<DTypeError>([&] { kernels::argmax(zeros({2}, DType::f16), 0, false); }) ==
        "[argmax] does not take f16; convert with to(x, DType::f32)");
  CHECK(message_of<DTypeError>([&] { kernels::argmax(zeros({2}, DType::bf16), 0, false); }) ==
        "[argmax] does not take bf16; convert with to(x, DType::f32)");
}

TEST_CASE("regression 33: products of integers are i64, as their sums are") {
  for (const DType dtype : {DType::i32, DType::u8, DType::i64, DType::boolean}) {
    CAPTURE(std::string(name_of(dtype)));
    const Tensor x = kernels::to(from_vector<int64_t>({1, 1, 1}), dtype);
    for (const Tensor& product : {prod(x), prod(x, {0}), prod(x, {0}, true)}) {
      CHECK(product.dtype() == DType::i64);
      CHECK(product.item() == 1);
    }
    CHECK(prod(kernels::to(zeros({0}), dtype)).dtype() == DType::i64);
    CHECK(prod(kernels::to(zeros({0}), dtype)).item() == 1);
  }
  CHECK(prod(from_vector<int32_t>({65536, 65536})).item() == 4294967296.0);
  CHECK(prod(from_vector<uint8_t>({200, 3, 7})).item() == 4200);
  CHECK(prod(from_vector<int32_t>({65536, 2, 65536, -3}, {2, 2}), {0}).to_vector<int64_t>() ==
        std::vector<int64_t>{4294967296, -6});
  CHECK(prod(from_vector<float>({2, 3})).dtype() == DType::f32);
}

}  // namespace
}  // namespace ditharos::tests::test_reduce
