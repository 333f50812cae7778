// Packed and quantised linear layers: against the ordinary path, against integers summed one by one, and at every
// number of threads.
#include <cmath>
#include <cstring>
#include <limits>
#include <numbers>
#include <vector>

#include <doctest/doctest.h>

#include <ditharos/autograd/grad_mode.h>
#include <ditharos/autograd/ops.h>
#include <ditharos/tensor/kernels/dispatch.h>
#include <ditharos/tensor/kernels/gemm/gemm.h>
#include <ditharos/tensor/kernels/gemm/linear.h>
#include <ditharos/tensor/kernels/gemm/packed_linear.h>
#include <ditharos/tensor/kernels/gemm/packed_product.h>
#include <ditharos/tensor/parallel.h>
#include <ditharos/tensor/random.h>
#include "tests/support/tensor_cases.h"

namespace ditharos::test_packed_linear {

using kernels::PackedLinear;
using kernels::Precision;

namespace {

double largest(const Tensor& x) {
  double most = 0;
  for (const float v : x.to_vector<float>()) most = std::max(most, std::abs(double(v)));
  return most;
}
double largest_difference(const Tensor& a, const Tensor& b) { return largest(a - b); }

struct Sizes {
  int64_t rows, in, out;
};
const std::vector<Sizes> all_sizes{{1, 1, 1},      {2, 96, 384},  {7, 33, 5},     {16, 57, 96}, {64, 96, 96},
                                   {100, 40, 200}, {5, 40, 2304}, {16, 33, 2048}, {513, 24, 70}};

/// What the layer computes, by its definition, in double, from the same rounding of inputs and weights.
std::vector<double> quantized_reference(const Tensor& x, const Tensor& weight, const Tensor& bias) {
  const auto xs = x.to_vector<float>(), ws = weight.to_vector<float>(), bs = bias.to_vector<float>();
  const int64_t in = weight.size(1), out = weight.size(0), rows = x.numel() / in;
  std::vector<double> y;
  for (int64_t i = 0; i < rows; ++i) {
    float low = 0, high = 0;
    for (int64_t p = 0; p < in; ++p) {
      low = std::min(low, xs[size_t(i * in + p)]);
      high = std::max(high, xs[size_t(i * in + p)]);
    }
    const float scale = (high - low) / 255;
    const double zero = std::floor(.5 - double(low) / scale);
    for (int64_t j = 0; j < out; ++j) {
      float most = 0;
      for (int64_t p = 0; p < in; ++p) most = std::max(most, std::abs(ws[size_t(j * in + p)]));
      const double weight_scale = double(most) / kernels::int8_weight_limit();
      int64_t sum = 0;
      for (int64_t p = 0; p < in; ++p) {
        const double q = std::clamp(std::floor(double(xs[size_t(i * in + p)]) / scale + zero + .5), 0., 255.);
        sum += (int64_t(q) - int64_t(zero)) * std::llround(double(ws[size_t(j * in + p)]) / weight_scale);
      }
      y.push_back(double(sum) * scale * weight_scale + bs[size_t(j)]);
    }
  }
  return y;
}

}  // namespace

TEST_CASE("packed product: bytes are summed exactly, by every path") {
  for (const auto& [m, k, n] : all_sizes) {
    const auto shown = m;
    CAPTURE(shown);
    std::vector<uint8_t> a(size_t(m * k));
    std::vector<int8_t> w(size_t(n * k));
    for (size_t i = 0; i < a.size(); ++i) a[i] = i % 5 == 0 ? 255 : uint8_t(philox(1, i)[0]);
    const int limit = kernels::int8_weight_limit();
    for (size_t i = 0; i < w.size(); ++i)
      w[i] = int8_t(i % 3 == 0 ? limit : int64_t(philox(2, i)[0] % uint32_t(2 * limit + 1)) - limit);
    std::vector<int32_t> expected;
    for (int64_t i = 0; i < m; ++i)
      for (int64_t j = 0; j < n; ++j) {
        int64_t sum = 0;
        for (int64_t p = 0; p < k; ++p) sum += int64_t(a[size_t(i * k + p)]) * w[size_t(j * k + p)];
        expected.push_back(int32_t(sum));
      }
    std::vector<int32_t> got(expected.size()), native(expected.size());
    kernels::pack<kernels::ByteProduct>(w.data(), n, k)->run(m, a.data(), got.data(), nullptr);
    kernels::pack_native<kernels::ByteProduct>(w.data(), n, k)->run(m, a.data(), native.data(), nullptr);
    CHECK(got == expected);
    CHECK(native == expected);
  }
}

TEST_CASE("packed linear, f32: the ordinary result up to rounding") {
  Generator rng(3);
  for (const auto& [rows, in, out] : all_sizes)
    for (const bool with_bias : {false, true}) {
      const auto shown = rows;
      CAPTURE(shown);
      const Tensor x = rng.normal({rows, in}), w = rng.normal({out, in}), b = with_bias ? rng.normal({out}) : Tensor();
      const PackedLinear packed(w, b, Precision::f32);
      const Tensor y = kernels::linear(x, packed), expected = kernels::linear(x, w, b);
      CHECK(y.shape() == Shape{rows, out});
      CHECK(largest_difference(y, expected) < 1e-6 * double(in) + 2e-6);
      std::vector<float> native(size_t(rows * out));
      const auto bias = with_bias ? b.to_vector<float>() : std::vector<float>();
      kernels::pack_native<kernels::FloatProduct>(w.data<float>(), out, in)
          ->run(rows, x.data<float>(), native.data(), with_bias ? bias.data() : nullptr);
      CHECK(largest_difference(from_vector(native, {rows, out}), expected) < 1e-6 * double(in) + 2e-6);
    }
}

TEST_CASE("packed linear, int8: as its definition says, on every instruction set") {
  const tests::RestoreSettings restore;
  Generator rng(4);
  for (kernels::Isa isa : {kernels::Isa::baseline, kernels::Isa::avx2, kernels::Isa::avx512}) {
    kernels::set_isa(isa);
    for (const auto& [rows, in, out] : all_sizes) {
      const auto shown = rows;
      CAPTURE(shown);
      const Tensor x = rng.normal({rows, in}) + .5, w = rng.normal({out, in}), b = rng.normal({out});
      const Tensor y = kernels::linear(x, PackedLinear(w, b, Precision::int8));
      const auto expected = quantized_reference(x, w, b);
      const auto got = y.to_vector<float>();
      // A value on the edge between two steps may go either way: that is one weight times one step.
      const double step = (largest(x) * 2 / 255) * largest(w);
      double mean = 0, most = 0;
      for (size_t i = 0; i < got.size(); ++i) {
        most = std::max(most, std::abs(got[i] - expected[i]));
        mean += std::abs(got[i] - expected[i]) / double(got.size());
      }
      CHECK(most < 1.01 * step);
      CHECK(mean < .03 * step);
    }
  }
}

TEST_CASE("packed linear, int8: close to f32; zeros, constants and outliers") {
  Generator rng(5);
  const Tensor w = rng.normal({64, 256}), b = rng.normal({64});
  const PackedLinear packed(w, b, Precision::int8);
  const auto relative = [&](const Tensor& x) {
    const Tensor expected = kernels::linear(x, w, b);
    return std::sqrt(mean(square(kernels::linear(x, packed) - expected)).item() / mean(square(expected)).item());
  };
  const double bound = .012 * 127 / kernels::int8_weight_limit();  // without VNNI weights have 7 bits
  CHECK(relative(rng.normal({32, 256})) < bound);
  CHECK(relative(gelu_tanh(rng.normal({32, 256}))) < bound);
  CHECK(relative(rng.normal({32, 256}) * 1e-20) < 1e-6);  // only the bias is left
  CHECK(relative(full({3, 256}, 7)) < bound);
  CHECK(relative(full({3, 256}, -7)) < bound);
  const Tensor nothing = kernels::linear(zeros({2, 256}), packed);
  CHECK(largest_difference(nothing, unsqueeze(b, 0)) == 0);
  CHECK(largest_difference(kernels::linear(full({2, 256}, 1e-42), packed), unsqueeze(b, 0)) < 1e-6);

  // A row keeps its precision beside a row a thousand times larger.
  const Tensor small = rng.normal({1, 256});
  const Tensor both = kernels::linear(cat({small, rng.normal({1, 256}) * 1e3}, 0), packed);
  CHECK(largest_difference(slice(both, 0, 0, 1), kernels::linear(small, packed)) == 0);
}

TEST_CASE("packed linear, int8: NaN and infinity come through, in their rows alone") {
  Generator rng(6);
  const Tensor w = rng.normal({5, 40});
  const PackedLinear packed(w, {}, Precision::int8);
  const float inf = std::numeric_limits<float>::infinity();
  for (const float bad : {std::numeric_limits<float>::quiet_NaN(), inf, -inf}) {
    const Tensor x = rng.normal({3, 40});
    x.mutable_data<float>()[40 + 17] = bad;
    const auto y = kernels::linear(x, packed).to_vector<float>();
    for (size_t i = 0; i < y.size(); ++i) CHECK(std::isnan(y[i]) == (i / 5 == 1));
  }
  w.mutable_data<float>()[2 * 40 + 3] = inf;
  const auto y = kernels::linear(rng.normal({3, 40}), PackedLinear(w, {}, Precision::int8)).to_vector<float>();
  for (size_t i = 0; i < y.size(); ++i) CHECK(std::isnan(y[i]) == (i % 5 == 2));
}

TEST_CASE("packed mlp: as layer after layer") {
  Generator rng(7);
  for (const Precision precision : {Precision::f32, Precision::int8})
    for (int64_t rows : {1, 3, 200}) {
      CAPTURE(rows);
      const Tensor x = rng.normal({rows, 48}), w1 = rng.normal({150, 48}) * .2, b1 = rng.normal({150}) * .2;
      const Tensor w2 = rng.normal({31, 150}) * .2, b2 = rng.normal({31});
      const PackedLinear fc1(w1, b1, precision), fc2(w2, b2, precision);
      const Tensor y = kernels::mlp(x, fc1, fc2);
      CHECK(y.shape() == Shape{rows, 31});
      const Tensor steps = kernels::linear(gelu_tanh(kernels::linear(x, fc1)), fc2);
      const Tensor exact = linear(gelu_tanh(linear(x, w1, b1)), w2, b2);
      // The GELU may round otherwise, which can move a byte by one step.
      CHECK(largest_difference(y, steps) < (precision == Precision::f32 ? 1e-5 : .02));
      const double bound = precision == Precision::f32 ? 1e-5 : .15 * 127 / kernels::int8_weight_limit();
      CHECK(largest_difference(y, exact) < bound);
    }
}

TEST_CASE("packed linear: the same bits at every number of threads") {
  const tests::RestoreSettings restore;
  Generator rng(8);
  for (const Precision precision : {Precision::f32, Precision::int8})
    for (const int64_t rows : {2, 98, 530}) {
      const Tensor x = rng.normal({rows, 96}), w1 = rng.normal({384, 96}), w2 = rng.normal({96, 384}),
                   b = rng.normal({384});
      const PackedLinear fc1(w1, b, precision), fc2(w2, {}, precision);
      set_num_threads(1);
      const auto one = kernels::linear(x, fc1).to_vector<float>(),
                 one_mlp = kernels::mlp(x, fc1, fc2).to_vector<float>();
      for (int threads : {2, 3, 4, 8}) {
        set_num_threads(threads);
        INFO("threads ", threads, " rows ", rows);
        // Packed anew too: the layout must not depend on the number of threads.
        const auto y = kernels::linear(x, PackedLinear(w1, b, precision)).to_vector<float>();
        const auto z = kernels::mlp(x, fc1, fc2).to_vector<float>();
        CHECK(std::memcmp(one.data(), y.data(), one.size() * sizeof(float)) == 0);
        CHECK(std::memcmp(one_mlp.data(), z.data(), one_mlp.size() * sizeof(float)) == 0);
      }
    }
}

TEST_CASE("packed linear: shapes that it takes and refuses") {
  Generator rng(9);
  const Tensor w = rng.normal({3, 4});
  const PackedLinear packed(w, {}, Precision::f32);
  CHECK(kernels::linear(rng.normal({2, 5, 4}), packed).shape() == Shape{2, 5, 3});
  CHECK(kernels::linear(rng.normal({4}), packed).shape() == Shape{3});
  CHECK(kernels::linear(zeros({0, 4}), packed).shape() == Shape{0, 3});
  const Tensor wide = rng.normal({4, 6});
  CHECK(largest_difference(kernels::linear(transpose(wide, 0, 1), packed),
                           kernels::linear(transpose(wide, 0, 1), w, {})) < 1e-5);
  const Tensor turned = transpose(rng.normal({4, 3}), 0, 1);
  CHECK(largest_difference(kernels::linear(wide.transpose(0, 1), PackedLinear(turned, {}, Precision::f32)),
                           kernels::linear(wide.transpose(0, 1), turned, {})) < 1e-5);
  CHECK_THROWS_AS(kernels::linear(rng.normal({2, 5}), packed), ShapeError);
  CHECK_THROWS_AS(kernels::linear(zeros({2, 4}, DType::f64), packed), DTypeError);
  CHECK_THROWS_AS(kernels::mlp(rng.normal({2, 4}), packed, packed), ShapeError);
  CHECK_THROWS_AS(PackedLinear(zeros({3, 4}, DType::f64), {}, Precision::f32), Error);
  CHECK_THROWS_AS(PackedLinear(w, zeros({4}), Precision::f32), Error);
  CHECK_FALSE(kernels::can_pack(zeros({3, 0}), {}, Precision::f32));
  CHECK(kernels::can_pack(zeros({1, 70000}), {}, Precision::f32));
  CHECK_FALSE(kernels::can_pack(zeros({1, 70000}), {}, Precision::int8));
}

TEST_CASE("packed linear: detects whether the weights have changed since they were packed") {
  Generator rng(10);
  const Tensor w = rng.normal({3, 4}), b = rng.normal({3});
  const PackedLinear packed(w, b, Precision::f32);
  CHECK(packed.is_of(w, b));
  CHECK(packed.is_of(Tensor(w), b));
  CHECK_FALSE(packed.is_of(w, {}));
  CHECK_FALSE(packed.is_of(w, rng.normal({3})));
  CHECK_FALSE(packed.is_of(w * 1, b));
  w.mutable_data<float>()[0] = 1;
  CHECK_FALSE(packed.is_of(w, b));
}

}  // namespace ditharos::test_packed_linear
