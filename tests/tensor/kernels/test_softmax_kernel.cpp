// The softmax family against its definitions in double.
#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include <doctest/doctest.h>

#include <ditharos/tensor/factory.h>
#include <ditharos/tensor/kernels/copy/copy.h>
#include <ditharos/tensor/kernels/reduce/softmax.h>
#include <ditharos/tensor/random.h>
#include <ditharos/tensor/view.h>
#include "tests/support/tensor_cases.h"

namespace ditharos::tests::test_softmax_kernel {
namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();

/// log softmax of each row of n numbers.
std::vector<double> naive_log_softmax(std::vector<double> x, size_t n) {
  for (size_t row = 0; row < x.size(); row += n) {
    const double top = *std::max_element(x.begin() + long(row), x.begin() + long(row + n));
    double sum = 0;
    for (size_t i = 0; i < n; ++i) sum += std::exp(x[row + i] - top);
    for (size_t i = 0; i < n; ++i) x[row + i] -= top + std::log(sum);
  }
  return x;
}

double worst(const Tensor& got, const std::vector<double>& expected) {
  const std::vector<double> g = got.to_vector<double>();
  REQUIRE(g.size() == expected.size());
  double worst = 0;
  for (size_t i = 0; i < g.size(); ++i)
    worst = std::max(worst, std::abs(g[i] - expected[i]) / std::max(1., std::abs(expected[i])));
  return worst;
}

TEST_CASE("softmax kernels: forward and backward, any layout, every instruction set") {
  for_each_isa([] {
    Choices choices(1);
    for (DType dtype : {DType::f32, DType::f64})
      for (int64_t n : {1, 2, 10, 15, 16, 17, 64, 100, 1000, 3000}) {
        const double tolerance = dtype == DType::f32 ? 2e-6 : 1e-13;
        const Tensor x = random_layout(choices, {3, 2, n}, dtype), g = random_layout(choices, {3, 2, n}, dtype);
        const std::vector<double> log_y = naive_log_softmax(x.to_vector<double>(), size_t(n)),
                                  gs = g.to_vector<double>();
        std::vector<double> y = log_y, dx = log_y, dx_log = log_y;
        for (double& v : y) v = std::exp(v);
        for (size_t row = 0; row < y.size(); row += size_t(n)) {
          double dot = 0, sum = 0;
          for (size_t i = row; i < row + size_t(n); ++i) dot += gs[i] * y[i], sum += gs[i];
          for (size_t i = row; i < row + size_t(n); ++i) dx[i] = y[i] * (gs[i] - dot), dx_log[i] = gs[i] - y[i] * sum;
        }
        CAPTURE(n);
        const Tensor probability = kernels::softmax(x), log_probability = kernels::log_softmax(x);
        CHECK(worst(probability, y) < tolerance);
        CHECK(worst(log_probability, log_y) < tolerance);
        CHECK(worst(kernels::softmax_backward(g, probability), dx) < tolerance * 2);
        CHECK(worst(kernels::log_softmax_backward(g, log_probability), dx_log) < tolerance * 20);
      }
  });
}

TEST_CASE("softmax kernels: along every axis as along the last, every instruction set") {
  for_each_isa([] {
    Choices choices(5);
    for (DType dtype : {DType::f32, DType::f64})
      for (const Shape& shape : {Shape{2, 1, 3}, {2, 33, 1}, {1, 3, 7}, {3, 10, 17}, {2, 65, 300}, {2, 1000, 5}}) {
        CAPTURE(shape[1]);
        const double tolerance = dtype == DType::f32 ? 2e-6 : 1e-13;
        const Tensor x = random_layout(choices, shape, dtype), g = random_layout(choices, shape, dtype);
        const auto as_rows = [](const Tensor& t) { return kernels::contiguous(views::transpose(t, 1, 2)); };
        const auto of_rows = [&](const Tensor& t) { return as_rows(t).to_vector<double>(); };
        const Tensor y = kernels::softmax(x, 1), log_y = kernels::log_softmax(x, -2);
        CHECK(worst(y, of_rows(kernels::softmax(as_rows(x)))) < tolerance);
        CHECK(worst(log_y, of_rows(kernels::log_softmax(as_rows(x)))) < tolerance);
        CHECK(worst(kernels::softmax_backward(g, y, 1), of_rows(kernels::softmax_backward(as_rows(g), as_rows(y)))) <
              tolerance);
        CHECK(worst(kernels::log_softmax_backward(g, log_y, 1),
                    of_rows(kernels::log_softmax_backward(as_rows(g), as_rows(log_y)))) < tolerance * 20);
      }
  });
}

TEST_CASE("softmax kernels: columns with ties, infinities and NaN are as rows") {
  for_each_isa([] {
    // Each column is one case; a column must not see its neighbours.
    const Tensor x = from_vector<double>({0, infinity, -infinity, NAN, 2, 1,   -infinity,  //
                                          0, 0,        0,         0,   2, 1,   -infinity,  //
                                          0, 0,        0,         0,   2, NAN, -infinity},
                                         {3, 7});
    const Tensor rows = kernels::contiguous(views::transpose(x, 0, 1));
    const auto same = [](const Tensor& columns, const Tensor& of_rows) {
      const std::vector<double> a = columns.to_vector<double>(),
                                b = kernels::contiguous(views::transpose(of_rows, 0, 1)).to_vector<double>();
      for (size_t i = 0; i < a.size(); ++i) {
        CAPTURE(i);
        CHECK((std::isnan(a[i]) ? std::isnan(b[i]) : a[i] == b[i] || a[i] == doctest::Approx(b[i]).epsilon(1e-14)));
      }
    };
    const Tensor y = kernels::softmax(x, 0), log_y = kernels::log_softmax(x, 0);
    same(y, kernels::softmax(rows));
    same(log_y, kernels::log_softmax(rows));
    const Tensor g = Generator(1).normal({3, 7}, DType::f64);
    const Tensor g_rows = kernels::contiguous(views::transpose(g, 0, 1));
    same(kernels::softmax_backward(g, y, 0), kernels::softmax_backward(g_rows, kernels::softmax(rows)));
    same(kernels::log_softmax_backward(g, log_y, 0), kernels::log_softmax_backward(g_rows, kernels::log_softmax(rows)));
  });
}

TEST_CASE("softmax kernels: cross entropy and its gradient") {
  for_each_isa([] {
    Choices choices(2);
    for (DType dtype : {DType::f32, DType::f64})
      for (int64_t classes : {1, 3, 10, 257, 1000}) {
        const int64_t rows = 9;
        const double tolerance = dtype == DType::f32 ? 2e-6 : 1e-13;
        const Tensor x = random_layout(choices, {rows, classes}, dtype), g = random_layout(choices, {rows}, dtype);
        const Tensor labels = Generator(uint64_t(classes)).randint(0, classes, {rows});
        const std::vector<double> log_y = naive_log_softmax(x.to_vector<double>(), size_t(classes));
        const std::vector<int64_t> label = labels.to_vector<int64_t>();
        const std::vector<double> gs = g.to_vector<double>();
        std::vector<double> loss, dx;
        for (size_t row = 0; row < size_t(rows); ++row) {
          loss.push_back(-log_y[row * size_t(classes) + size_t(label[row])]);
          for (int64_t c = 0; c < classes; ++c)
            dx.push_back(gs[row] * (std::exp(log_y[row * size_t(classes) + size_t(c)]) - (c == label[row] ? 1 : 0)));
        }
        CHECK(worst(kernels::cross_entropy(x, labels), loss) < tolerance);
        CHECK(worst(kernels::cross_entropy_backward(g, x, labels), dx) < tolerance);
      }
  });
}

TEST_CASE("softmax kernels: large logits, infinities and NaN") {
  for_each_isa([] {
    const Tensor large = from_vector<float>({1e4f, 1e4f, -1e4f});
    CHECK(kernels::softmax(large).to_vector<double>() == std::vector<double>{0.5, 0.5, 0});
    const Tensor masked = from_vector<double>({0, -infinity, 0});
    CHECK(kernels::softmax(masked).to_vector<double>() == std::vector<double>{0.5, 0, 0.5});
    CHECK(kernels::log_softmax(masked).to_vector<double>()[1] == -infinity);
    std::vector<float> values(40, 1.f);
    for (size_t at : {0, 17, 39}) {
      std::vector<float> v = values;
      v[at] = NAN;
      for (float p : kernels::softmax(from_vector(v)).to_vector<float>()) REQUIRE(std::isnan(p));
    }
  });
}

TEST_CASE("softmax kernels: every thread count gives the same bits") {
  const Tensor x = Generator(3).normal({500, 100}), labels = Generator(4).randint(0, 100, {500});
  const Tensor y = kernels::softmax(x), loss = kernels::cross_entropy(x, labels);
  const Tensor images = Generator(5).normal({3, 70, 400}), columns = kernels::log_softmax(images, 1);
  const Tensor slopes = kernels::log_softmax_backward(images, columns, 1);
  for_each_thread_count([&] {
    CHECK(same_bits(kernels::softmax(x), y));
    CHECK(same_bits(kernels::log_softmax(images, 1), columns));
    CHECK(same_bits(kernels::log_softmax_backward(images, columns, 1), slopes));
    CHECK(same_bits(kernels::cross_entropy(x, labels), loss));
  });
}

TEST_CASE("softmax kernels: no rows, no columns, and errors") {
  CHECK(kernels::softmax(zeros({0, 3})).shape() == Shape{0, 3});
  CHECK(kernels::softmax(zeros({3, 0})).shape() == Shape{3, 0});
  CHECK(kernels::softmax(zeros({3, 0, 2}), 1).shape() == Shape{3, 0, 2});
  CHECK(kernels::log_softmax(zeros({3, 2, 0}), 1).shape() == Shape{3, 2, 0});
  CHECK(kernels::cross_entropy(zeros({0, 3}), zeros({0}, DType::i64)).shape() == Shape{0});
  const Tensor logits = zeros({2, 3});
  CHECK(message_of<ShapeError>([] { kernels::softmax(scalar(1)); }) ==
        "[softmax] works along an axis, but a scalar has none");
  CHECK(message_of<DTypeError>([] { kernels::log_softmax(arange(3, DType::i64)); }) ==
        "[log_softmax] computes in f32 or f64, got i64; convert with to(x, DType::f32)");
  CHECK(message_of<ShapeError>([&] { kernels::cross_entropy(logits, from_vector<int64_t>({0, 3})); }) ==
        "[cross_entropy] label 3 of row 1 is not in [0, 3)");
  CHECK(message_of<ShapeError>([&] { kernels::cross_entropy(logits, from_vector<int64_t>({-1, 0})); }) ==
        "[cross_entropy] label -1 of row 0 is not in [0, 3)");
  CHECK(message_of<ShapeError>([&] { kernels::cross_entropy(logits, from_vector<int64_t>({0})); }) ==
        "[cross_entropy] needs logits [N, C] and labels [N], got [2, 3] and [1]");
  CHECK(message_of<DTypeError>([&] { kernels::cross_entropy(logits, zeros({2})); }) ==
        "[cross_entropy] labels must be i64, got f32");
  CHECK(message_of<ShapeError>([&] { kernels::softmax_backward(zeros({3}), logits); }) ==
        "[softmax_backward] gradient of shape [3] for an output of shape [2, 3]");
}

}  // namespace
}  // namespace ditharos::tests::test_softmax_kernel
