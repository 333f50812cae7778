// matmul and linear on tensors: broadcasting, views read in place, gradients of linear, messages.
#include <algorithm>
#include <cmath>
#include <functional>
#include <string>

#include <doctest/doctest.h>

#include <ditharos/tensor/factory.h>
#include <ditharos/tensor/kernels/copy/copy.h>
#include <ditharos/tensor/kernels/gemm/gemm.h>
#include <ditharos/tensor/kernels/gemm/linear.h>
#include <ditharos/tensor/kernels/gemm/matmul.h>
#include <ditharos/tensor/random.h>
#include <ditharos/tensor/view.h>

namespace ditharos::test_matmul {
namespace {

Tensor random(const Shape& shape, uint64_t seed, DType dtype = DType::f64) {
  return Generator(seed).normal(shape, dtype);
}

/// Element of x at a multi-index; indices of stretched or missing axes are dropped, as broadcasting has it.
double at(const Tensor& x, const Shape& index) {
  int64_t offset = 0;
  const int missing = index.rank() - x.rank();
  for (int i = 0; i < x.rank(); ++i)
    if (x.shape()[i] > 1) offset += index[missing + i] * x.strides()[i];
  return x.dtype() == DType::f32 ? double(x.data<float>()[offset]) : x.data<double>()[offset];
}

/// Largest difference between matmul(a, b), both of rank >= 2, and the definition.
double matmul_error(const Tensor& a, const Tensor& b) {
  const Tensor c = kernels::matmul(a, b);
  const std::vector<double> got = c.to_vector<double>();
  const int r = c.rank();
  double worst = 0;
  for (int64_t flat = 0; flat < c.numel(); ++flat) {
    Shape index = c.shape();
    int64_t rest = flat;
    for (int i = r - 1; i >= 0; --i) index[i] = rest % c.shape()[i], rest /= c.shape()[i];
    double s = 0;
    for (int64_t p = 0; p < a.size(-1); ++p) {
      Shape ia = index, ib = index;
      ia[r - 1] = p;
      ib[r - 2] = p;
      s += at(a, ia) * at(b, ib);
    }
    worst = std::max(worst, std::abs(s - got[size_t(flat)]));
  }
  return worst;
}

std::string message_of(const std::function<void()>& f) {
  try {
    f();
  } catch (const Error& e) {
    return e.what();
  }
  return "";
}

}  // namespace

TEST_CASE("matmul: broadcasts the leading axes") {
  CHECK(matmul_error(random({4, 5}, 1), random({5, 6}, 2)) < 1e-12);
  CHECK(matmul_error(random({3, 4, 5}, 1), random({5, 6}, 2)) < 1e-12);
  CHECK(matmul_error(random({4, 5}, 1), random({3, 5, 6}, 2)) < 1e-12);
  CHECK(matmul_error(random({2, 3, 4, 5}, 1), random({2, 3, 5, 6}, 2)) < 1e-12);
  CHECK(matmul_error(random({2, 1, 4, 5}, 1), random({3, 5, 6}, 2)) < 1e-12);
  CHECK(matmul_error(random({2, 3, 4, 5}, 1, DType::f32), random({1, 3, 5, 6}, 2, DType::f32)) < 1e-5);
}

TEST_CASE("matmul: vectors as in NumPy") {
  const Tensor v = random({5}, 1), w = random({5}, 2), m = random({5, 3}, 3), batch = random({2, 4, 5}, 4);
  CHECK(kernels::matmul(v, w).shape() == Shape{});
  double dot = 0;
  for (int i = 0; i < 5; ++i) dot += v.data<double>()[i] * w.data<double>()[i];
  CHECK(kernels::matmul(v, w).item() == doctest::Approx(dot));
  CHECK(kernels::matmul(v, m).shape() == Shape{3});
  CHECK(kernels::matmul(batch, v).shape() == Shape{2, 4});
  CHECK(kernels::matmul(v, random({2, 5, 3}, 5)).shape() == Shape{2, 3});
}

TEST_CASE("matmul: reads transposed, sliced, permuted and expanded operands") {
  const Tensor a = random({6, 8}, 1), b = random({6, 7}, 2), heads = random({2, 5, 3, 4}, 3);
  CHECK(matmul_error(views::permute(a, {1, 0}), b) < 1e-12);
  CHECK(matmul_error(views::permute(b, {1, 0}), a) < 1e-12);
  CHECK(matmul_error(views::slice(a, 1, 1, 7, 1), views::slice(b, 0, 0, 6, 1)) < 1e-12);
  CHECK(matmul_error(views::slice(a, 1, 0, 6, 2), views::slice(b, 0, 0, 6, 2)) < 1e-12);  // every other column
  CHECK(matmul_error(views::slice(a, 1, 3, 4, 1), random({1, 5}, 4)) < 1e-12);            // one column
  const Tensor q = views::permute(heads, {0, 2, 1, 3}), kt = views::permute(heads, {0, 2, 3, 1});
  CHECK(matmul_error(q, kt) < 1e-12);
  CHECK(matmul_error(views::expand(random({1, 8}, 5), {4, 8}), random({8, 3}, 6)) < 1e-12);
  CHECK(matmul_error(views::expand(random({8, 1}, 5), {8, 4}), random({4, 3}, 6)) < 1e-12);
  CHECK(matmul_error(views::expand(random({1, 4, 8}, 5), {3, 4, 8}), random({8, 3}, 6)) < 1e-12);
}

TEST_CASE("matmul: empty operands") {
  CHECK(kernels::matmul(random({0, 5}, 1), random({5, 6}, 2)).shape() == Shape{0, 6});
  CHECK(kernels::matmul(random({2, 4, 5}, 1), random({5, 0}, 2)).shape() == Shape{2, 4, 0});
  CHECK(kernels::matmul(random({0, 4, 5}, 1), random({5, 6}, 2)).shape() == Shape{0, 4, 6});
  const Tensor zero = kernels::matmul(random({2, 3, 0}, 1), random({2, 0, 4}, 2));
  CHECK(zero.shape() == Shape{2, 3, 4});
  for (double v : zero.to_vector<double>()) CHECK(v == 0);
}

TEST_CASE("linear and its gradients agree with matmul") {
  for (DType dtype : {DType::f32, DType::f64}) {
    const double tolerance = dtype == DType::f32 ? 1e-4 : 1e-12;
    const Tensor x = random({3, 40, 7}, 1, dtype), w = random({5, 7}, 2, dtype), bias = random({5}, 3, dtype);
    const Tensor dy = random({3, 40, 5}, 4, dtype);
    const Tensor x2 = views::reshape(x, {120, 7}), dy2 = views::reshape(dy, {120, 5});
    const auto close = [&](const Tensor& got, const Tensor& want) {
      const auto g = got.to_vector<double>(), e = want.to_vector<double>();
      REQUIRE(g.size() == e.size());
      for (size_t i = 0; i < g.size(); ++i) CHECK(std::abs(g[i] - e[i]) < tolerance);
    };
    const Tensor y = kernels::linear(x, w, bias), product = kernels::matmul(x, views::permute(w, {1, 0}));
    CHECK(y.shape() == Shape{3, 40, 5});
    const auto with_bias = y.to_vector<double>(), without = product.to_vector<double>(), b = bias.to_vector<double>();
    for (size_t i = 0; i < with_bias.size(); ++i) CHECK(std::abs(with_bias[i] - without[i] - b[i % 5]) < tolerance);
    close(kernels::linear(x, w, {}), product);
    CHECK(kernels::linear_backward_input(dy, w).shape() == x.shape());
    close(kernels::linear_backward_input(dy, w), kernels::matmul(dy, w));
    close(kernels::linear_backward_weight(dy, x), kernels::matmul(views::permute(dy2, {1, 0}), x2));
    close(kernels::linear_backward_bias(dy), kernels::matmul(ones({120}, dtype), dy2));
    // A permuted x has to be copied, a transposed weight has not.
    const Tensor xt = views::permute(random({40, 3, 7}, 1, dtype), {1, 0, 2});
    const Tensor wt = views::permute(random({7, 5}, 2, dtype), {1, 0});
    close(kernels::linear(xt, wt, {}), kernels::matmul(kernels::contiguous(xt), views::permute(wt, {1, 0})));
  }
}

TEST_CASE("matmul and linear refuse what does not fit, and say why") {
  CHECK(message_of([] { kernels::matmul(zeros({2, 3}), zeros({4, 5})); }) ==
        "[matmul] cannot multiply [2, 3] and [4, 5]: 3 columns meet 4 rows");
  CHECK_THROWS_AS(kernels::matmul(zeros({2, 3}), zeros({3, 5}, DType::f64)), DTypeError);
  CHECK_THROWS_AS(kernels::matmul(zeros({2, 3}, DType::i64), zeros({3, 5}, DType::i64)), DTypeError);
  CHECK_THROWS_AS(kernels::matmul(zeros({2, 4, 3}), zeros({3, 3, 5})), ShapeError);
  CHECK_THROWS_AS(kernels::matmul(scalar(1), zeros({3})), ShapeError);
  CHECK_THROWS_AS(kernels::linear(zeros({2, 3}), zeros({4, 5}), {}), ShapeError);
  CHECK_THROWS_AS(kernels::linear(zeros({2, 3}), zeros({4, 3}), zeros({3})), ShapeError);
  CHECK_THROWS_AS(kernels::linear_backward_weight(zeros({2, 3}), zeros({4, 5})), ShapeError);
}

}  // namespace ditharos::test_matmul
