// Reading and adding by index against loops.
#include <cmath>
#include <vector>

#include <doctest/doctest.h>

#include <ditharos/tensor/factory.h>
#include <ditharos/tensor/kernels/copy/copy.h>
#include <ditharos/tensor/kernels/index/index.h>
#include <ditharos/tensor/random.h>
#include <ditharos/tensor/view.h>
#include "tests/support/tensor_cases.h"

namespace ditharos::tests {
namespace {

/// Indices in [0, size) in any layout.
Tensor random_indices(Choices& choices, const Shape& shape, int64_t size) {
  const Tensor layout = random_layout(choices, shape, DType::i64, true);
  kernels::copy_into(layout, Generator(choices()).randint(0, size, shape));
  return layout;
}

Shape joined(const Shape& a, const Shape& b) {
  Shape both = a;
  for (int64_t size : b) both.push_back(size);
  return both;
}

TEST_CASE("index: rows are selected, and added back") {
  Choices choices(1);
  for (int round = 0; round < 200; ++round) {
    const int64_t rows = choose(choices, 1, 12);
    const Shape row = random_shape(choices, int(choose(choices, 0, 3)), 6);
    const Tensor indices = random_indices(choices, random_shape(choices, int(choose(choices, 0, 2)), 9), rows);
    const DType dtype = round % 3 == 0 ? DType::i64 : round % 3 == 1 ? DType::f32 : DType::f64;
    const Tensor table = random_layout(choices, joined({rows}, row), dtype);
    const Tensor picked = kernels::index_select(table, 0, indices);
    REQUIRE(picked.shape() == joined(indices.shape(), row));
    const std::vector<int64_t> index = indices.to_vector<int64_t>();
    const std::vector<double> t = table.to_vector<double>(), p = picked.to_vector<double>();
    const size_t width = size_t(numel(row));
    for (size_t i = 0; i < index.size(); ++i)
      for (size_t j = 0; j < width; ++j) REQUIRE(p[i * width + j] == t[size_t(index[i]) * width + j]);

    const Tensor values = random_layout(choices, picked.shape(), dtype);
    const Tensor added = kernels::index_add(values, indices, rows);
    REQUIRE(added.shape() == table.shape());
    const std::vector<double> v = values.to_vector<double>(), a = added.to_vector<double>();
    for (size_t r = 0; r < size_t(rows); ++r)
      for (size_t j = 0; j < width; ++j) {
        double sum = 0;
        for (size_t i = 0; i < index.size(); ++i)
          if (size_t(index[i]) == r) sum += v[i * width + j];
        const double tolerance = dtype == DType::i64 ? 0 : dtype == DType::f32 ? 1e-5 : 1e-13;
        REQUIRE(std::abs(a[r * width + j] - sum) <= tolerance * (1 + std::abs(sum)));
      }
  }
}

TEST_CASE("index: selecting takes every dtype") {
  for (DType dtype : {DType::bf16, DType::f16, DType::i32, DType::u8, DType::boolean}) {
    const Tensor table = kernels::to(from_vector<float>({0, 1, 1, 0}, {2, 2}), dtype);
    const Tensor picked = kernels::index_select(table, 0, from_vector<int64_t>({1}));
    CHECK(picked.dtype() == dtype);
    CHECK(picked.to_vector<double>() == std::vector<double>{1, 0});
    CHECK(kernels::gather(table, 0, from_vector<int64_t>({1, 1}, {1, 2})).to_vector<double>() ==
          std::vector<double>{1, 0});
  }
}

TEST_CASE("index: gather along any axis, and its adjoint") {
  Choices choices(2);
  for (int round = 0; round < 200; ++round) {
    const int rank = int(choose(choices, 1, 4)), axis = int(choose(choices, 0, rank - 1));
    const Shape shape = random_shape(choices, rank, 7);
    Shape lines = shape;
    for (int i = 0; i < rank; ++i) lines[i] = i == axis ? choose(choices, 1, 9) : choose(choices, 1, shape[i]);
    const Tensor x = random_layout(choices, shape, DType::f64), index = random_indices(choices, lines, shape[axis]);
    const Tensor values = random_layout(choices, lines, DType::f64);
    const Tensor picked = kernels::gather(x, round % 2 ? axis : axis - rank, index);
    const Tensor added = kernels::scatter_add(values, axis, index, shape);
    REQUIRE(picked.shape() == lines);
    REQUIRE(added.shape() == shape);
    const std::vector<double> xs = x.to_vector<double>(), vs = values.to_vector<double>(),
                              p = picked.to_vector<double>();
    const std::vector<int64_t> at = index.to_vector<int64_t>();
    std::vector<double> sums(xs.size());
    const Strides out = contiguous_strides(lines), in = contiguous_strides(shape);
    for (size_t n = 0; n < at.size(); ++n) {
      int64_t source = at[n] * in[axis];
      for (int i = 0; i < rank; ++i)
        if (i != axis) source += int64_t(n) / out[i] % lines[i] * in[i];
      REQUIRE(p[n] == xs[size_t(source)]);
      sums[size_t(source)] += vs[n];
    }
    REQUIRE(added.to_vector<double>() == sums);
  }
}

TEST_CASE("index: every thread count gives the same bits") {
  const Tensor values = Generator(1).normal({3000, 48}), indices = Generator(2).randint(0, 37, {3000});
  const Tensor rows = kernels::index_add(values, indices, 37);
  const Tensor index = Generator(3).randint(0, 5, {300, 400}), v = Generator(4).normal({300, 400});
  const Tensor first = kernels::scatter_add(v, 0, index, {5, 400}), last = kernels::scatter_add(v, 1, index, {300, 5});
  const Tensor selected = kernels::index_select(values, 0, indices);
  for_each_thread_count([&] {
    CHECK(same_bits(kernels::index_add(values, indices, 37), rows));
    CHECK(same_bits(kernels::scatter_add(v, 0, index, {5, 400}), first));
    CHECK(same_bits(kernels::scatter_add(v, 1, index, {300, 5}), last));
    CHECK(same_bits(kernels::index_select(values, 0, indices), selected));
  });
}

TEST_CASE("index: nothing to read") {
  const Tensor none = zeros({0}, DType::i64);
  CHECK(kernels::index_select(zeros({3, 2}), 0, none).shape() == Shape{0, 2});
  CHECK(kernels::index_select(zeros({0, 2}), 0, none).shape() == Shape{0, 2});
  CHECK(kernels::index_add(zeros({0, 2}), none, 3).to_vector<double>() == std::vector<double>(6));
  CHECK(kernels::gather(zeros({2, 3}), 1, zeros({2, 0}, DType::i64)).shape() == Shape{2, 0});
  CHECK(kernels::scatter_add(zeros({2, 0}), 1, zeros({2, 0}, DType::i64), {2, 3}).to_vector<double>() ==
        std::vector<double>(6));
}

TEST_CASE("index: errors") {
  const Tensor table = zeros({3, 2}), bad = from_vector<int64_t>({0, 3}), negative = from_vector<int64_t>({-1});
  CHECK(message_of<ShapeError>([&] { kernels::index_select(table, 0, bad); }) ==
        "[index_select] index 3 is not in [0, 3)");
  CHECK(message_of<ShapeError>([&] { kernels::index_select(table, 0, negative); }) ==
        "[index_select] index -1 is not in [0, 3)");
  CHECK(message_of<ShapeError>([&] { kernels::index_select(scalar(1), 0, negative); }) ==
        "[index_select] needs a table with rows, got a scalar");
  CHECK(message_of<DTypeError>([&] { kernels::index_select(table, 0, zeros({1})); }) ==
        "[index_select] indices must be i64, got f32");
  CHECK(message_of<ShapeError>([&] { kernels::index_add(zeros({2, 2}), bad, 3); }) ==
        "[index_add] index 3 is not in [0, 3)");
  CHECK(message_of<ShapeError>([&] { kernels::index_add(zeros({3, 2}), bad, 3); }) ==
        "[index_add] values of shape [3, 2] do not begin with the indices' shape [2]");
  CHECK(message_of<DTypeError>([&] { kernels::index_add(zeros({1}, DType::u8), zeros({1}, DType::i64), 3); }) ==
        "[index_add] computes in f32 or f64, got u8; convert with to(x, DType::f32)");
  CHECK(message_of<ShapeError>([&] { kernels::gather(table, 1, zeros({4, 1}, DType::i64)); }) ==
        "[gather] index of shape [4, 1] does not fit shape [3, 2] along axis 1");
  CHECK(message_of<ShapeError>([&] { kernels::gather(table, 2, zeros({3, 1}, DType::i64)); }) ==
        "[gather] axis 2 is out of range for a tensor of rank 2");
  CHECK(message_of<ShapeError>([&] { kernels::gather(table, 1, full({3, 1}, 2, DType::i64)); }) ==
        "[gather] index 2 is not in [0, 2)");
  CHECK(message_of<ShapeError>([&] { kernels::scatter_add(zeros({3}), 1, zeros({3, 1}, DType::i64), {3, 2}); }) ==
        "[scatter_add] values of shape [3] need an index of that shape, got [3, 1]");
}

}  // namespace
}  // namespace ditharos::tests
