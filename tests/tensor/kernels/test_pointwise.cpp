// Elementwise kernels against formulas in double, over layouts, types, instruction sets and thread counts.
#include <cmath>
#include <functional>
#include <limits>
#include <vector>

#include <doctest/doctest.h>

#include <ditharos/tensor/factory.h>
#include <ditharos/tensor/kernels/copy/copy.h>
#include <ditharos/tensor/kernels/pointwise/pointwise.h>
#include <ditharos/tensor/random.h>
#include <ditharos/tensor/view.h>
#include "tests/support/tensor_cases.h"

namespace ditharos::tests::test_pointwise {
namespace {

using kernels::Binary;
using kernels::Unary;

constexpr double infinity = std::numeric_limits<double>::infinity();
const double nan = std::nan("");

double normal_cdf(double x) { return 0.5 * std::erfc(-x / std::sqrt(2.0)); }
double normal_density(double x) { return std::exp(-x * x / 2) / std::sqrt(2 * M_PI); }
double sigmoid(double x) { return 1 / (1 + std::exp(-x)); }
double gelu_tanh_inner(double x) { return std::sqrt(2 / M_PI) * (x + 0.044715 * x * x * x); }

struct UnaryCase {
  Unary op;
  std::function<double(double)> f;
  bool positive = false;  ///< defined for x > 0 alone
  double alpha = 0, beta = 0;
};
const std::vector<UnaryCase>& unary_cases() {
  static const std::vector<UnaryCase> cases = {
      {Unary::neg, [](double x) { return -x; }},
      {Unary::abs, [](double x) { return std::abs(x); }},
      {Unary::sign, [](double x) { return x > 0   ? 1.
                                          : x < 0 ? -1.
                                                  : 0.; }},
      {Unary::square, [](double x) { return x * x; }},
      {Unary::sqrt, [](double x) { return std::sqrt(x); }, true},
      {Unary::rsqrt, [](double x) { return 1 / std::sqrt(x); }, true},
      {Unary::reciprocal, [](double x) { return 1 / x; }, true},
      {Unary::exp, [](double x) { return std::exp(x); }},
      {Unary::log, [](double x) { return std::log(x); }, true},
      {Unary::expm1, [](double x) { return std::expm1(x); }},
      {Unary::log1p, [](double x) { return std::log1p(x); }, true},
      {Unary::atan, [](double x) { return std::atan(x); }},
      {Unary::sinh, [](double x) { return std::sinh(x); }},
      {Unary::cosh, [](double x) { return std::cosh(x); }},
      {Unary::floor, [](double x) { return std::floor(x); }},
      {Unary::ceil, [](double x) { return std::ceil(x); }},
      {Unary::round, [](double x) { return std::nearbyint(x); }},
      {Unary::leaky_relu, [](double x) { return x > 0 ? x : 0.2 * x; }, false, 0.2},
      {Unary::elu, [](double x) { return x > 0 ? x : 1.5 * std::expm1(x); }, false, 1.5},
      {Unary::sin, [](double x) { return std::sin(x); }},
      {Unary::cos, [](double x) { return std::cos(x); }},
      {Unary::tanh, [](double x) { return std::tanh(x); }},
      {Unary::erf, [](double x) { return std::erf(x); }},
      {Unary::sigmoid, sigmoid},
      {Unary::relu, [](double x) { return std::max(x, 0.); }},
      {Unary::silu, [](double x) { return x * sigmoid(x); }},
      {Unary::softplus, [](double x) { return std::log1p(std::exp(x)); }},
      {Unary::normal_cdf, normal_cdf},
      {Unary::gelu, [](double x) { return x * normal_cdf(x); }},
      {Unary::gelu_tanh, [](double x) { return 0.5 * x * (1 + std::tanh(gelu_tanh_inner(x))); }},
      {Unary::add_scalar, [](double x) { return x + 1.5; }, false, 1.5},
      {Unary::mul_scalar, [](double x) { return x * -2.5; }, false, -2.5},
      {Unary::div_scalar, [](double x) { return x / -2.6; }, false, -2.6},
      {Unary::div_scalar, [](double x) { return x / .125; }, false, .125},
      {Unary::pow_scalar, [](double x) { return std::pow(x, 1.75); }, true, 1.75},
      {Unary::pow_scalar, [](double x) { return x * x; }, false, 2},
      {Unary::pow_scalar, [](double x) { return std::sqrt(x); }, true, 0.5},
      {Unary::pow_scalar, [](double x) { return 1 / x; }, true, -1},
      {Unary::pow_scalar, [](double x) { return 1 / std::sqrt(x); }, true, -0.5},
      {Unary::clamp, [](double x) { return std::min(std::max(x, -0.5), 0.75); }, false, -0.5, 0.75},
  };
  return cases;
}

struct BinaryCase {
  Binary op;
  std::function<double(double, double)> f;
  bool positive = false;
};
const std::vector<BinaryCase>& binary_cases() {
  static const std::vector<BinaryCase> cases = {
      {Binary::add, [](double a, double b) { return a + b; }},
      {Binary::sub, [](double a, double b) { return a - b; }},
      {Binary::mul, [](double a, double b) { return a * b; }},
      {Binary::div, [](double a, double b) { return a / b; }, true},
      {Binary::pow, [](double a, double b) { return std::pow(a, b); }, true},
      {Binary::maximum, [](double a, double b) { return std::max(a, b); }},
      {Binary::minimum, [](double a, double b) { return std::min(a, b); }},
      {Binary::tanh_backward, [](double g, double x) { return g * (1 - std::tanh(x) * std::tanh(x)); }},
      {Binary::sigmoid_backward, [](double g, double x) { return g * sigmoid(x) * sigmoid(-x); }},
      {Binary::relu_backward, [](double g, double x) { return x > 0 ? g : 0; }},
      {Binary::silu_backward, [](double g, double x) { return g * (sigmoid(x) + x * sigmoid(x) * (1 - sigmoid(x))); }},
      {Binary::gelu_backward, [](double g, double x) { return g * (normal_cdf(x) + x * normal_density(x)); }},
      {Binary::gelu_tanh_backward,
       [](double g, double x) {
         const double t = std::tanh(gelu_tanh_inner(x));
         const double slope = std::sqrt(2 / M_PI) * (1 + 3 * 0.044715 * x * x);
         return g * (0.5 * (1 + t) + 0.5 * x * (1 - t * t) * slope);
       }},
  };
  return cases;
}

/// |x| + 0.1 when only positive numbers have a value.
Tensor domain(const Tensor& x, bool positive) {
  return positive ? kernels::unary(Unary::add_scalar, kernels::unary(Unary::abs, x), 0.1) : x;
}

/// Largest difference, relative to the size of the number where that exceeds 1.
double difference(const Tensor& got, const std::vector<double>& expected) {
  const std::vector<double> g = got.to_vector<double>();
  REQUIRE(g.size() == expected.size());
  double worst = 0;
  for (size_t i = 0; i < g.size(); ++i) {
    if (std::isnan(expected[i]) || std::isnan(g[i]))
      return std::isnan(expected[i]) == std::isnan(g[i]) ? worst : infinity;
    worst = std::max(worst, std::abs(g[i] - expected[i]) / std::max(1., std::abs(expected[i])));
  }
  return worst;
}
double tolerance(DType dtype) { return dtype == DType::f64 ? 1e-14 : 1e-6; }

TEST_CASE("pointwise: every unary function, on any layout, in f32 and f64, on every instruction set") {
  for_each_isa([] {
    Choices choices(1);
    for (const UnaryCase& c : unary_cases())
      for (DType dtype : {DType::f32, DType::f64})
        for (int round = 0; round < 8; ++round) {
          const Tensor raw = random_layout(choices, random_shape(choices, int(choose(choices, 0, 4)), 9), dtype);
          const Tensor x = domain(kernels::unary(Unary::mul_scalar, raw, round % 2 ? 1 : 4), c.positive);
          const Tensor view = round < 4 && !c.positive ? raw : x;
          std::vector<double> expected = view.to_vector<double>();
          for (double& v : expected) v = c.f(v);
          const Tensor y = kernels::unary(c.op, view, c.alpha, c.beta);
          CAPTURE(int(c.op));
          CAPTURE(name_of(dtype));
          REQUIRE(y.shape() == view.shape());
          REQUIRE(y.dtype() == dtype);
          REQUIRE(difference(y, expected) < tolerance(dtype));
        }
  });
}

TEST_CASE("pointwise: every binary function, on any two layouts that broadcast") {
  for_each_isa([] {
    Choices choices(2);
    for (const BinaryCase& c : binary_cases())
      for (DType dtype : {DType::f32, DType::f64})
        for (int round = 0; round < 12; ++round) {
          const Shape shape = random_shape(choices, int(choose(choices, 0, 4)), 9);
          const Tensor a = random_layout(choices, random_part(choices, shape), dtype);
          const Tensor b = random_layout(choices, random_part(choices, shape), dtype);
          const Tensor left = domain(a, c.positive), right = domain(b, c.positive);
          const Shape out = broadcast_shapes("test", a.shape(), b.shape());
          std::vector<double> expected = views::expand(left, out).to_vector<double>();
          const std::vector<double> y = views::expand(right, out).to_vector<double>();
          for (size_t i = 0; i < y.size(); ++i) expected[i] = c.f(expected[i], y[i]);
          const Tensor got = kernels::binary(c.op, left, right);
          CAPTURE(int(c.op));
          CAPTURE(to_text(a.shape()));
          CAPTURE(to_text(b.shape()));
          REQUIRE(got.shape() == out);
          REQUIRE(difference(got, expected) < tolerance(dtype));
        }
  });
}

// A row is cut into vectors and a rest, and into the threads' shares. None of it may show in an element's bits.
template <class Run>
void check_place_does_not_matter(DType dtype, bool positive, const Run& run) {
  const Tensor x = domain(Generator(7).normal({83}, dtype), positive);
  const Tensor alone = kernels::to(x, dtype);  // each element in a row of its own
  for (int64_t i = 0; i < 83; ++i)
    kernels::copy_into(views::slice(alone, 0, i, i + 1, 1), run(views::slice(x, 0, i, i + 1, 1)));
  for (int64_t begin : {0, 1, 5, 16, 40})
    for (int64_t end : {41, 48, 64, 80, 83})
      for (int64_t step : {1, 3})
        REQUIRE(same_bits(run(views::slice(x, 0, begin, end, step)), views::slice(alone, 0, begin, end, step)));
}

TEST_CASE("pointwise: an element has the same bits at every position of a row") {
  for_each_isa([] {
    for (DType dtype : {DType::f32, DType::f64}) {
      for (const UnaryCase& c : unary_cases())
        check_place_does_not_matter(dtype, c.positive,
                                    [&](const Tensor& x) { return kernels::unary(c.op, x, c.alpha, c.beta); });
      for (const BinaryCase& c : binary_cases()) {
        check_place_does_not_matter(dtype, c.positive, [&](const Tensor& x) { return kernels::binary(c.op, x, x); });
        const Tensor one = scalar(0.7, dtype);
        check_place_does_not_matter(dtype, c.positive, [&](const Tensor& x) { return kernels::binary(c.op, one, x); });
        check_place_does_not_matter(dtype, c.positive, [&](const Tensor& x) { return kernels::binary(c.op, x, one); });
      }
    }
  });
}

TEST_CASE("pointwise: every thread count gives the same bits") {
  const Tensor x = Generator(3).normal({401, 523}), row = Generator(4).normal({523}),
               column = Generator(5).normal({401, 1});
  const Tensor y = kernels::unary(Unary::gelu_tanh, x), z = kernels::binary(Binary::silu_backward, x, row);
  const Tensor w = kernels::binary(Binary::mul, x, column),
               turned = kernels::unary(Unary::tanh, views::permute(x, {1, 0}));
  for_each_thread_count([&] {
    CHECK(same_bits(kernels::unary(Unary::gelu_tanh, x), y));
    CHECK(same_bits(kernels::binary(Binary::silu_backward, x, row), z));
    CHECK(same_bits(kernels::binary(Binary::mul, x, column), w));
    CHECK(same_bits(kernels::unary(Unary::tanh, views::permute(x, {1, 0})), turned));
  });
}

TEST_CASE("pointwise: NaN and infinity") {
  for_each_isa([] {
    for (DType dtype : {DType::f32, DType::f64}) {
      const Tensor x = from_vector<double>({nan, infinity, -infinity, 0, -0.0}), v = kernels::to(x, dtype);
      const auto of = [&](Unary op, double alpha = 0, double beta = 0) {
        return kernels::unary(op, v, alpha, beta).to_vector<double>();
      };
      const auto same = [](const std::vector<double>& got, const std::vector<double>& expected) {
        for (size_t i = 0; i < got.size(); ++i)
          if (!(got[i] == expected[i] || (std::isnan(got[i]) && std::isnan(expected[i])))) return false;
        return got.size() == expected.size();
      };
      CAPTURE(name_of(dtype));
      CHECK(same(of(Unary::relu), {nan, infinity, 0, 0, 0}));
      CHECK(same(of(Unary::abs), {nan, infinity, infinity, 0, 0}));
      CHECK(same(of(Unary::sign), {nan, 1, -1, 0, 0}));
      CHECK(same(of(Unary::exp), {nan, infinity, 0, 1, 1}));
      CHECK(same(of(Unary::log), {nan, infinity, nan, -infinity, -infinity}));
      CHECK(same(of(Unary::sqrt), {nan, infinity, nan, 0, 0}));
      CHECK(same(of(Unary::tanh), {nan, 1, -1, 0, 0}));
      CHECK(same(of(Unary::erf), {nan, 1, -1, 0, 0}));
      CHECK(same(of(Unary::sigmoid), {nan, 1, 0, 0.5, 0.5}));
      CHECK(same(of(Unary::silu), {nan, infinity, 0, 0, 0}));
      CHECK(same(of(Unary::gelu), {nan, infinity, 0, 0, 0}));
      CHECK(same(of(Unary::gelu_tanh), {nan, infinity, 0, 0, 0}));
      CHECK(same(kernels::unary(Unary::softplus, views::slice(v, 0, 0, 3, 1)).to_vector<double>(), {nan, infinity, 0}));
      CHECK(same(of(Unary::clamp, -1, 1), {nan, 1, -1, 0, 0}));
      CHECK(same(of(Unary::clamp, 2, 1), {nan, 1, 1, 1, 1}));  // the upper bound wins, as in PyTorch
      const Tensor one = scalar(1, dtype);
      for (Binary op : {Binary::maximum, Binary::minimum}) {
        CHECK(std::isnan(kernels::binary(op, v, one).to_vector<double>()[0]));
        CHECK(std::isnan(kernels::binary(op, one, v).to_vector<double>()[0]));
      }
      CHECK(same(kernels::binary(Binary::maximum, v, one).to_vector<double>(), {nan, infinity, 1, 1, 1}));
      // Derivatives at infinity are the limits; NaN stays.
      for (Binary op : {Binary::silu_backward, Binary::gelu_backward, Binary::gelu_tanh_backward})
        CHECK(same(kernels::binary(op, one, views::slice(v, 0, 0, 3, 1)).to_vector<double>(), {nan, 1, 0}));
    }
  });
}

TEST_CASE("pointwise: exp, softplus and sigmoid keep relative accuracy in their tails") {
  const Tensor x = linspace(-80, 80, 4001);
  const std::vector<double> v = x.to_vector<double>();
  const auto worst = [&](Unary op, double (*f)(double)) {
    const std::vector<double> y = kernels::unary(op, x).to_vector<double>();
    double worst = 0;
    for (size_t i = 0; i < v.size(); ++i) worst = std::max(worst, std::abs(y[i] / f(v[i]) - 1));
    return worst;
  };
  for_each_isa([&] {
    CHECK(worst(Unary::exp, [](double a) { return std::exp(a); }) < 3e-7);
    CHECK(worst(Unary::softplus, [](double a) { return a > 40 ? a : std::log1p(std::exp(a)); }) < 6e-7);
    CHECK(worst(Unary::sigmoid, sigmoid) < 4e-7);
  });
}

TEST_CASE("pointwise: integers wrap around and need whole numbers") {
  for_each_isa([] {
    const Tensor x = from_vector<int32_t>({-7, 0, 5, INT32_MAX, INT32_MIN});
    CHECK(kernels::unary(Unary::neg, x).to_vector<int64_t>() == std::vector<int64_t>{7, 0, -5, -INT32_MAX, INT32_MIN});
    CHECK(kernels::unary(Unary::add_scalar, x, 1).to_vector<int64_t>() ==
          std::vector<int64_t>{-6, 1, 6, INT32_MIN, INT32_MIN + 1});
    CHECK(kernels::unary(Unary::mul_scalar, x, 2).to_vector<int64_t>() == std::vector<int64_t>{-14, 0, 10, -2, 0});
    CHECK(kernels::unary(Unary::clamp, x, -5, 4).to_vector<int64_t>() == std::vector<int64_t>{-5, 0, 4, 4, -5});
    CHECK(kernels::unary(Unary::relu, x).to_vector<int64_t>() == std::vector<int64_t>{0, 0, 5, INT32_MAX, 0});
    CHECK(kernels::unary(Unary::sign, x).to_vector<int64_t>() == std::vector<int64_t>{-1, 0, 1, 1, -1});
    const Tensor a = from_vector<uint8_t>({250, 3}), b = from_vector<uint8_t>({10, 5});
    CHECK(kernels::binary(Binary::add, a, b).to_vector<int64_t>() == std::vector<int64_t>{4, 8});
    CHECK(kernels::binary(Binary::sub, a, b).to_vector<int64_t>() == std::vector<int64_t>{240, 254});
    CHECK(kernels::binary(Binary::mul, a, b).to_vector<int64_t>() == std::vector<int64_t>{196, 15});
    CHECK(kernels::binary(Binary::maximum, a, b).to_vector<int64_t>() == std::vector<int64_t>{250, 5});
    const Tensor c = from_vector<int64_t>({INT64_MAX, 6});
    CHECK(kernels::binary(Binary::add, c, c).to_vector<int64_t>() == std::vector<int64_t>{-2, 12});
  });
  CHECK(message_of<DTypeError>([] { kernels::unary(Unary::add_scalar, arange(3, DType::i64), 0.5); }) ==
        "[add_scalar] a tensor of i64 takes whole numbers, got 0.500000; convert with to(x, DType::f32)");
}

TEST_CASE("pointwise: in place") {
  Choices choices(6);
  for (int round = 0; round < 60; ++round) {
    const Shape shape = random_shape(choices, int(choose(choices, 0, 4)), 9);
    const Tensor into = random_layout(choices, shape, DType::f64, true), x = random_layout(choices, shape, DType::f64);
    std::vector<double> expected = into.to_vector<double>();
    const std::vector<double> add = x.to_vector<double>();
    for (size_t i = 0; i < add.size(); ++i) expected[i] = (expected[i] + add[i]) * 3;
    const uint64_t version = into.version();
    kernels::accumulate(into, x);
    CHECK(into.version() > version);
    kernels::scale_in_place(into, 3);
    REQUIRE(into.to_vector<double>() == expected);
  }
  const Tensor x = from_vector<float>({1, 2, 3});
  kernels::accumulate(x, x);
  CHECK(x.to_vector<float>() == std::vector<float>{2, 4, 6});
}

TEST_CASE("pointwise: all_finite finds one bad number anywhere") {
  for_each_isa([] {
    for (DType dtype : {DType::f32, DType::f64, DType::bf16, DType::f16}) {
      for (int64_t n : {0, 1, 15, 16, 100, 70001}) {
        const Tensor x = zeros({n}, dtype);
        CHECK(kernels::all_finite(x));
        for (int64_t at : {int64_t{0}, n / 3, n - 1}) {
          if (at >= n || at < 0) continue;
          for (double bad : {nan, infinity, -infinity}) {
            kernels::fill(views::slice(x, 0, at, at + 1, 1), bad);
            REQUIRE_FALSE(kernels::all_finite(x));
          }
          kernels::fill(views::slice(x, 0, at, at + 1, 1), dtype == DType::f16 ? 6e4 : 3e38);
          REQUIRE(kernels::all_finite(x));
        }
      }
    }
  });
  CHECK(kernels::all_finite(arange(3, DType::i64)));
}

TEST_CASE("pointwise: tensors without elements") {
  const Tensor none = zeros({2, 0, 3});
  CHECK(kernels::unary(Unary::exp, none).shape() == Shape{2, 0, 3});
  CHECK(kernels::binary(Binary::add, none, ones({1, 3})).shape() == Shape{2, 0, 3});
  kernels::accumulate(none, none);
  kernels::scale_in_place(none, 2);
}

TEST_CASE("pointwise: errors name the function, the shapes and the types") {
  const Tensor a = zeros({2, 3}), b = zeros({4}), i = arange(3, DType::i64);
  CHECK(message_of<ShapeError>([&] { kernels::binary(Binary::mul, a, b); }) ==
        "[mul] cannot broadcast shapes [2, 3] and [4]");
  CHECK(message_of<DTypeError>([&] { kernels::binary(Binary::add, a, zeros({3}, DType::f64)); }) ==
        "[add] both tensors need one dtype, got f32 and f64");
  CHECK(message_of<DTypeError>([&] { kernels::unary(Unary::exp, i); }) ==
        "[exp] does not take i64; convert with to(x, DType::f32) or DType::f64");
  CHECK(message_of<DTypeError>([&] { kernels::binary(Binary::div, i, i); }) ==
        "[div] does not take i64; convert with to(x, DType::f32) or DType::f64");
  CHECK(message_of<DTypeError>([&] { kernels::unary(Unary::neg, zeros({2}, DType::bf16)); }) ==
        "[neg] does not take bf16; convert with to(x, DType::f32)");
  CHECK(message_of<DTypeError>([&] { kernels::unary(Unary::neg, zeros({2}, DType::f16)); }) ==
        "[neg] does not take f16; convert with to(x, DType::f32)");
  CHECK(message_of<DTypeError>([&] { kernels::unary(Unary::neg, zeros({2}, DType::boolean)); }) ==
        "[neg] does not take bool; convert with to(x, DType::f32)");
  CHECK(message_of<ShapeError>([&] { kernels::accumulate(a, b); }) ==
        "[accumulate] cannot add shape [4] to shape [2, 3]");
  CHECK(message_of<DTypeError>([&] { kernels::accumulate(a, zeros({2, 3}, DType::f64)); }) ==
        "[accumulate] cannot add f64 to f32");
}

}  // namespace
}  // namespace ditharos::tests::test_pointwise
