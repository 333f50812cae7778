// Dividing by a number divides: a rounded reciprocal as a factor is off by a bit for every second number.
#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include <ditharos/autograd/functional.h>
#include <ditharos/autograd/ops.h>
#include <ditharos/tensor/kernels/copy/copy.h>
#include "tests/support/tensor_cases.h"

namespace ditharos {
namespace {

using tests::for_each_isa;

template <class T>
std::vector<T> counts(int64_t first, int64_t last) {
  std::vector<T> v;
  for (int64_t i = first; i <= last; ++i) v.push_back(T(i));
  return v;
}

/// Loops take denormal operands and results for 0 (tensor/parallel.h).
template <class T>
T flushed(T v) {
  return std::abs(v) < std::numeric_limits<T>::min() ? T(0) : v;
}

/// x / b for every x, as the CPU divides.
template <class T>
bool divides(const std::vector<T>& x, double b) {
  const std::vector<T> got = (from_vector(x) / b).template to_vector<T>();
  for (size_t i = 0; i < x.size(); ++i) {
    const T want = flushed(flushed(x[i]) / T(b));
    if (flushed(got[i]) != want && !(std::isnan(got[i]) && std::isnan(want))) return false;
  }
  return true;
}

bool all_equal(const Tensor& x, double value) {
  bool equal = true;
  for (const double v : x.to_vector<double>()) equal = equal && v == value;
  return equal;
}

/// The gradient of sum(f(x) * g) for x of the given value.
template <class F>
Tensor gradient(const Tensor& x, double g, const F& f) {
  const Tensor leaf = x.detach().set_requires_grad();
  sum(f(leaf) * g).backward();
  return leaf.grad();
}

}  // namespace

TEST_CASE("regression 19: x / number divides instead of multiplying by a reciprocal") {
  for_each_isa([] {
    CHECK((from_vector<float>({169}) / 13.0).item() == 13);
    CHECK(floor(from_vector<float>({41}) / 41.0).item() == 1);
    CHECK(divides(counts<float>(0, 255), 255));  // bytes to [0, 1]
    for (int b = -300; b <= 300; ++b) {
      CAPTURE(b);
      CHECK(divides(counts<float>(-300, 300), b));
      CHECK(divides(counts<double>(-300, 300), b));
      CHECK(divides(counts<float>(-20, 20), std::ldexp(1.0, b / 3)));  // powers of two are multiplied with
      CHECK(divides(counts<float>(-20, 20), std::ldexp(3.0, b / 3)));
      CHECK(divides(counts<double>(-20, 20), std::ldexp(1.0, 3 * b)));
    }
    for (const double b : {0.0, -0.0, double(INFINITY), double(NAN), 127.5, 1e-30, 1e30})
      CHECK(divides<float>({-1, 0, 1, 41, INFINITY, -INFINITY, NAN, 1e-40f, 3e38f}, b));
    for (int b = 1; b <= 300; ++b)
      CHECK((double(b) / from_vector<float>({float(b), 7})).to_vector<float>() == std::vector<float>{1, float(b) / 7});
  });
}

TEST_CASE("regression 19: x / number takes numbers that f32 has not") {
  for_each_isa([] {
    CHECK((from_vector<float>({1e-30f}) / 1e-39).item() == doctest::Approx(1e9).epsilon(1e-6));
    for (const double b : {1e-39, -1e-42, 1e-50, 1e39, -1e60, 2e-45, 0x1p-130, 0x1p-149, 0x1p127, 0x1p128}) {
      CAPTURE(b);
      for (const float x : {0.f, 2e-38f, -1e-20f, 1.f, 3e38f})
        CHECK(flushed((from_vector<float>({x}) / b).to_vector<float>()[0]) == flushed(float(double(x) / b)));
    }
    CHECK((from_vector<double>({3e-307}) / 1e-307).item() == doctest::Approx(3).epsilon(1e-12));
    const Tensor x = from_vector<float>({2e-39f}).set_requires_grad();
    CHECK(gradient(x, 1e-30, [](const Tensor& v) { return v / 1e-39; }).item() == doctest::Approx(1e9).epsilon(1e-6));
  });
}

TEST_CASE("regression 19: means, averages and their gradients divide by the count") {
  for (int64_t n = 1; n <= 300; ++n) {
    CAPTURE(n);
    CHECK(mean(ones({n})).item() == 1);
    CHECK(all_equal(mean(ones({3, n}), {1}), 1));
    CHECK(all_equal(gradient(zeros({n}), double(n), [](const Tensor& x) { return mean(x); }), 1));
    CHECK(l1_loss(ones({n}), zeros({n})).item() == 1);
    CHECK(mse_loss(ones({n}), zeros({n})).item() == 1);
    CHECK(nll_loss(full({n, 2}, -1), zeros({n}, DType::i64)).item() == 1);
    // Equal elements share the gradient of their maximum.
    CHECK(all_equal(gradient(ones({n}), double(n), [](const Tensor& x) { return amax(x); }), 1));
  }
  for (int64_t k = 1; k <= 15; ++k) {
    CAPTURE(k);
    const Tensor x = ones({1, 2, 17, 16});
    CHECK(all_equal(avg_pool2d(x, k, 1), 1));
    CHECK(all_equal(adaptive_avg_pool2d(x, k), 1));
    CHECK(all_equal(gradient(ones({1, 1, k, k}), double(k * k), [&](const Tensor& v) { return avg_pool2d(v, k); }), 1));
    CHECK(all_equal(gradient(ones({1, 1, k, k + 1}), double(k * (k + 1)),
                             [](const Tensor& v) { return adaptive_avg_pool2d(v, 1); }),
                    1));
  }
  const Tensor wide = full({1, 1, 1000, 1000}, .1);  // sums of many lines and pixels do not drift
  CHECK(adaptive_avg_pool2d(wide, 1).item() == doctest::Approx(double(.1f)).epsilon(2e-7));
}

TEST_CASE("regression 19: equal elements have no spread, and no slope of it") {
  for (const double value : {1.0, .1, 1.0 / 3, -77.7, 1e30})
    for (const int64_t n : {2, 3, 49, 1000}) {
      CAPTURE(value);
      CAPTURE(n);
      const Tensor x = full({n}, value);
      for (const int64_t correction : {0, 1}) {
        const auto spread = [&](const Tensor& v) { return standard_deviation(v, {}, false, correction); };
        CHECK(spread(x).item() == 0);
        CHECK(variance(x, {}, false, correction).item() == 0);
        CHECK(all_equal(gradient(x, 1, spread), 0));
      }
    }
  const auto spread = [](const Tensor& v) { return standard_deviation(v); };
  CHECK(all_equal(hessian(spread, ones({49})), 0));
  CHECK(all_equal(hessian(spread, full({10}, .1)), 0));
}

}  // namespace ditharos
