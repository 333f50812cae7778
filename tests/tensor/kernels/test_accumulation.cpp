// Sums of many elements: what is added up one after the other in f32 drifts away; blocks, pairs of blocks or double do
// not.
#include <cmath>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include <ditharos/autograd/ops.h>
#include <ditharos/tensor/kernels/conv/conv.h>
#include <ditharos/tensor/kernels/copy/copy.h>
#include <ditharos/tensor/kernels/index/index.h>
#include <ditharos/tensor/kernels/norm/group_norm.h>
#include <ditharos/tensor/kernels/norm/norm.h>
#include <ditharos/tensor/kernels/reduce/softmax.h>
#include <ditharos/tensor/random.h>
#include "tests/support/tensor_cases.h"

namespace ditharos {
namespace {

using tests::for_each_isa;
using tests::for_each_thread_count;
using tests::same_bits;

constexpr int64_t many = 1'000'000;

/// Largest difference between elements, relative to the largest element of `want`.
double error(const Tensor& got, const Tensor& want) {
  const auto a = got.to_vector<double>(), b = want.to_vector<double>();
  REQUIRE(a.size() == b.size());
  double worst = 0, scale = 0;
  for (size_t i = 0; i < a.size(); ++i) {
    worst = std::max(worst, std::abs(a[i] - b[i]));
    scale = std::max(scale, std::abs(b[i]));
  }
  return worst / scale;
}

double largest(const Tensor& x) {
  double most = 0;
  for (const double v : x.to_vector<double>()) most = std::isnan(v) ? INFINITY : std::max(most, std::abs(v));
  return most;
}

Tensor f64(const Tensor& x) { return kernels::to(x, DType::f64); }

/// f in f32 against f in f64, with the same bits at every number of threads, on every instruction set.
template <class F>
void check_against_f64(const char* what, const Tensor& x, double tolerance, const F& f) {
  CAPTURE(std::string(what));
  const Tensor want = f(f64(x));
  for_each_isa([&] {
    const Tensor got = f(x);
    CHECK_LT(error(got, want), tolerance);
    for_each_thread_count([&] { CHECK(same_bits(f(x), got)); });
  });
}

}  // namespace

TEST_CASE("regression 20: running sums of f32 do not drift") {
  const Tensor tenths = full({many}, .1);
  CHECK(std::abs(kernels::to(cumsum(tenths, 0), DType::f64).to_vector<double>().back() - many * double(.1f)) < .01);
  check_against_f64("a line", tenths, 1e-7, [](const Tensor& x) { return cumsum(x, 0); });
  const Tensor side_by_side = Generator(1).uniform({20000, 70});
  check_against_f64("lines side by side", side_by_side, 1e-7, [](const Tensor& x) { return cumsum(x, 0); });
  check_against_f64("gradient", tenths, 1e-7, [](const Tensor& x) {
    const Tensor leaf = x.detach().set_requires_grad();
    sum(cumsum(leaf, 0) * x).backward();
    return leaf.grad();
  });
}

TEST_CASE("regression 20: a convolution's bias gradient does not drift") {
  const Tensor many_images = full({1000, 2, 32, 32}, .1), one_image = full({1, 1, 1000, 1000}, .1);
  for (const Tensor& grad : {many_images, one_image}) {
    check_against_f64("bias", grad, 2e-6, [](const Tensor& dy) { return kernels::conv_bias_gradient(dy); });
    check_against_f64("bias, in bf16", grad, 2e-6, [](const Tensor& dy) {
      Tensor rounded;
      return dy.dtype() == DType::f32 ? kernels::round_and_conv_bias_gradient(dy, &rounded)
                                      : kernels::conv_bias_gradient(dy);
    });
  }
}

TEST_CASE("regression 20: values added by index do not drift") {
  const Tensor values = full({many, 2}, .1), to_one = zeros({many}, DType::i64);
  check_against_f64("index_add", values, 1e-6, [&](const Tensor& v) { return kernels::index_add(v, to_one, 2); });
  check_against_f64("embedding", Generator(3).uniform({3, 5}), 1e-6, [&](const Tensor& table) {
    const Tensor leaf = table.detach().set_requires_grad();
    sum(index_select(leaf, to_one) * .1).backward();
    return leaf.grad();
  });
  const Tensor flat = full({2, many}, .1), along = zeros({2, many}, DType::i64);
  check_against_f64("scatter_add, last axis", flat, 1e-6,
                    [&](const Tensor& v) { return kernels::scatter_add(v, 1, along, {2, 3}); });
  check_against_f64("scatter_add, first axis", values, 1e-6,
                    [&](const Tensor& v) { return kernels::scatter_add(v, 0, zeros({many, 2}, DType::i64), {2, 2}); });
  check_against_f64("max_pool2d", Generator(4).uniform({1, 1, 40, 40}), 1e-6, [](const Tensor& x) {
    const Tensor leaf = x.detach().set_requires_grad();
    sum(max_pool2d(leaf, 32, 1) * .1).backward();
    return leaf.grad();
  });
  // Whole numbers stay exact.
  CHECK(kernels::index_add(ones({many}, DType::i64), to_one, 1).to_vector<int64_t>() == std::vector<int64_t>{many});
  CHECK(kernels::scatter_add(ones({many}, DType::i64), 0, to_one, {1}).to_vector<int64_t>() ==
        std::vector<int64_t>{many});
}

TEST_CASE("regression 20: normalising equal elements gives exactly 0") {
  for (const double value : {.1, 1.0 / 3, 123.456, -7e-5})
    for (const int64_t n : {int64_t{3}, int64_t{49}, int64_t{768}, int64_t{1025}, many}) {
      CAPTURE(value);
      CAPTURE(n);
      for_each_isa([&] {
        const Tensor row = full({1, n}, value), channel = full({1, 1, n}, value), split = full({n, 1, 1}, value);
        CHECK(largest(layer_norm(row, {}, {}, 1e-12)) == 0);
        CHECK(largest(group_norm(channel, 1, {}, {}, 1e-12)) == 0);
        CHECK(largest(batch_norm(channel, {}, {}, {}, {}, true, .1, 1e-12)) == 0);
        CHECK(largest(batch_norm(split, {}, {}, {}, {}, true, .1, 1e-12)) == 0);
      });
    }
}

TEST_CASE("regression 20: statistics of long rows do not drift") {
  const Tensor x = Generator(5).uniform({1, many}) + 10.0;
  check_against_f64("layer_norm", x, 1e-5, [](const Tensor& v) { return layer_norm(v, {}, {}, 1e-5); });
  check_against_f64("group_norm", reshape(x, {1, 2, many / 2}), 1e-5,
                    [](const Tensor& v) { return group_norm(v, 1, {}, {}, 1e-5); });
  check_against_f64("rms_norm", x, 1e-6, [](const Tensor& v) { return rms_norm(v, {}, 1e-5); });
  check_against_f64("layer_norm, gradient", x, 1e-5, [](const Tensor& v) {
    const Tensor leaf = v.detach().set_requires_grad();
    sum(layer_norm(leaf, {}, {}, 1e-5) * square(v - 10.0)).backward();
    return leaf.grad();
  });
  check_against_f64("softmax", x, 1e-6, [](const Tensor& v) { return log_softmax(v, -1); });
  check_against_f64("cross_entropy", full({1, many}, .1), 1e-7,
                    [](const Tensor& v) { return kernels::cross_entropy(v, from_vector<int64_t>({0})); });
}

}  // namespace ditharos
