// The interface of convolutions: both implementations against plain loops, at every number of threads.
#include <doctest/doctest.h>

#include <cmath>
#include <vector>

#include <ditharos/tensor/factory.h>
#include <ditharos/tensor/kernels/conv/conv.h>
#include <ditharos/tensor/kernels/conv/conv_native.h>
#include <ditharos/tensor/kernels/copy/copy.h>
#include <ditharos/tensor/product_dtype.h>
#include <ditharos/tensor/random.h>
#include "tests/support/tensor_cases.h"

namespace ditharos::tests {
namespace {

using kernels::ConvWindow;

struct ConvCase {
  Shape x, weight;
  ConvWindow window;
};

/// From one image to many, plain and strided, with padding, dilation and groups, in one, two and three axes; sizes
/// that fill blocks of 16 channels, and others.
const std::vector<ConvCase>& conv_cases() {
  static const std::vector<ConvCase> cases = {
      {{3, 5, 11}, {4, 5, 3}, {{1}, {1}, {1}, 1}},
      {{2, 4, 17}, {6, 2, 4}, {{3}, {2}, {2}, 2}},
      {{1, 3, 8, 8}, {16, 3, 3, 3}, {{1, 1}, {1, 1}, {1, 1}, 1}},
      {{9, 16, 6, 5}, {32, 16, 3, 3}, {{2, 1}, {1, 1}, {1, 1}, 1}},
      {{17, 32, 4, 4}, {48, 32, 1, 1}, {{1, 1}, {0, 0}, {1, 1}, 1}},
      {{2, 64, 9, 7}, {3, 64, 3, 3}, {{1, 1}, {1, 1}, {1, 1}, 1}},
      {{5, 20, 10, 12}, {12, 20, 2, 3}, {{2, 3}, {0, 2}, {1, 1}, 1}},
      {{4, 8, 12, 12}, {8, 8, 3, 3}, {{1, 1}, {2, 2}, {2, 2}, 1}},
      {{3, 32, 7, 7}, {32, 1, 3, 3}, {{1, 1}, {1, 1}, {1, 1}, 32}},
      {{2, 32, 8, 8}, {64, 16, 3, 3}, {{2, 2}, {1, 1}, {1, 1}, 2}},
      {{2, 128, 12, 12}, {96, 128, 3, 3}, {{1, 1}, {1, 1}, {1, 1}, 1}},  // so few images that channels are cut
      {{2, 6, 5, 6, 7}, {8, 6, 3, 3, 3}, {{1, 2, 1}, {1, 1, 1}, {1, 1, 1}, 1}},
      {{1, 16, 4, 8, 8}, {16, 8, 2, 3, 3}, {{2, 2, 2}, {0, 1, 1}, {1, 1, 1}, 2}},
      {{3, 2, 4, 4}, {2, 2, 3, 3}, {{3, 3}, {0, 0}, {1, 1}, 1}},  // windows that leave the last pixels out
  };
  return cases;
}

struct ConvResults {
  Tensor y, dx, dweight, dbias;
};

struct ConvInputs {
  Tensor x, weight, bias, grad;
};

/// The bias has the dtype of the sums.
ConvInputs inputs_of(const ConvCase& c, DType dtype) {
  Generator rng(7);
  ConvInputs in{rng.normal(c.x), rng.normal(c.weight), rng.normal({c.weight[0]}), {}};
  const Tensor y = kernels::conv("conv", in.x, in.weight, {}, c.window);
  in.grad = rng.normal(y.shape());
  for (Tensor* t : {&in.x, &in.weight, &in.grad}) *t = kernels::to(*t, dtype);
  in.bias = kernels::to(in.bias, product_dtype(dtype));
  return in;
}

ConvResults all_passes(const ConvCase& c, const ConvInputs& in) {
  ConvResults r;
  r.y = kernels::conv("conv", in.x, in.weight, in.bias, c.window);
  r.dx = kernels::conv_input_gradient("conv", in.grad, in.weight, c.x, c.window);
  r.dweight = kernels::conv_weight_gradient("conv", in.grad, in.x, c.weight, c.window);
  if (in.grad.dtype() != DType::bf16) {
    r.dbias = kernels::conv_bias_gradient(in.grad);
    return r;
  }
  Tensor rounded;
  r.dbias = kernels::round_and_conv_bias_gradient(kernels::to(in.grad, DType::f32), &rounded);
  CHECK(same_bits(rounded, in.grad));
  return r;
}

/// The definition, term by term, in double.
ConvResults by_definition(const ConvCase& c, const ConvInputs& in) {
  const int axes = c.window.stride.rank();
  const Shape y_shape = in.grad.shape();
  const auto x = in.x.to_vector<double>(), w = in.weight.to_vector<double>(), b = in.bias.to_vector<double>(),
             g = in.grad.to_vector<double>();
  std::vector<double> y(g.size()), dx(x.size()), dw(w.size()), db(b.size());
  const auto unravel = [](int64_t i, const Shape& s) {
    Shape index = s;
    for (int a = s.rank() - 1; a >= 0; --a) index[a] = i % s[a], i /= s[a];
    return index;
  };
  const auto ravel = [](const Shape& index, const Shape& s) {
    int64_t i = 0;
    for (int a = 0; a < s.rank(); ++a) i = i * s[a] + index[a];
    return static_cast<size_t>(i);
  };
  const int64_t out_of_group = c.weight[0] / c.window.groups, terms = numel(c.weight) / c.weight[0];
  for (size_t i = 0; i < y.size(); ++i) {
    const Shape at = unravel(int64_t(i), y_shape);
    y[i] = b[size_t(at[1])];
    db[size_t(at[1])] += g[i];
    for (int64_t t = 0; t < terms; ++t) {
      Shape tap = unravel(at[1] * terms + t, c.weight), pixel{at[0], at[1] / out_of_group * c.weight[1] + tap[1]};
      bool inside = true;
      for (int a = 0; a < axes; ++a) {
        const int64_t p = at[2 + a] * c.window.stride[a] + tap[2 + a] * c.window.dilation[a] - c.window.padding[a];
        inside = inside && p >= 0 && p < c.x[2 + a];
        pixel.push_back(p);
      }
      if (!inside) continue;
      const size_t from = ravel(pixel, c.x), k = size_t(at[1] * terms + t);
      y[i] += x[from] * w[k];
      dx[from] += g[i] * w[k];
      dw[k] += g[i] * x[from];
    }
  }
  return {from_vector(y, y_shape), from_vector(dx, c.x), from_vector(dw, c.weight), from_vector(db, in.bias.shape())};
}

double worst(const Tensor& got, const Tensor& want) {
  const auto a = got.to_vector<double>(), b = want.to_vector<double>();
  double scale = 1, error = got.shape() == want.shape() ? 0 : INFINITY;
  for (double v : b) scale = std::max(scale, std::abs(v));
  for (size_t i = 0; i < b.size() && i < a.size(); ++i)
    if (!(std::abs(a[i] - b[i]) / scale <= error)) error = std::abs(a[i] - b[i]) / scale;
  return error;
}

void check_close(const ConvResults& got, const ConvResults& want, double tolerance) {
  CHECK_LT(worst(got.y, want.y), tolerance);
  CHECK_LT(worst(got.dx, want.dx), tolerance);
  CHECK_LT(worst(got.dweight, want.dweight), tolerance);
  CHECK_LT(worst(got.dbias, want.dbias), tolerance);
}

/// The sizes as the implementations take them; what conv() checks and derives is written down once more.
kernels::ConvGeometry geometry_of(const ConvCase& c, const Shape& y) {
  kernels::ConvGeometry g;
  g.batch = c.x[0], g.in_channels = c.x[1], g.out_channels = c.weight[0], g.groups = c.window.groups;
  const int axes = c.window.stride.rank();
  for (int a = 0; a < axes; ++a) {
    const size_t i = size_t(3 - axes + a);
    g.in[i] = c.x[2 + a], g.out[i] = y[2 + a], g.kernel[i] = c.weight[2 + a];
    g.stride[i] = c.window.stride[a], g.padding[i] = c.window.padding[a], g.dilation[i] = c.window.dilation[a];
  }
  return g;
}

/// Our own implementation, whatever the build has.
ConvResults native(const ConvCase& c, const ConvInputs& in) {
  const kernels::ConvGeometry g = geometry_of(c, in.grad.shape());
  const ConvResults r{empty_like(in.grad), empty_like(in.x), empty_like(in.weight), empty_like(in.bias)};
  const float *x = in.x.data<float>(), *w = in.weight.data<float>(), *dy = in.grad.data<float>();
  kernels::conv_native(g, x, w, in.bias.data<float>(), r.y.mutable_data<float>());
  kernels::conv_input_gradient_native(g, dy, w, r.dx.mutable_data<float>());
  kernels::conv_weight_gradient_native(g, dy, x, r.dweight.mutable_data<float>());
  return r;
}

TEST_CASE("convolution: both types and both implementations compute what the definition says") {
  for (const ConvCase& c : conv_cases()) {
    CAPTURE(to_text(c.x));
    CAPTURE(to_text(c.weight));
    const ConvInputs doubles = inputs_of(c, DType::f64), floats = inputs_of(c, DType::f32);
    const ConvResults want = by_definition(c, doubles);
    check_close(all_passes(c, doubles), want, 1e-13);
    check_close(all_passes(c, floats), want, 3e-6);
    check_close(native(c, floats), want, 3e-6);
  }
}

TEST_CASE("convolution: numbers of bf16 are summed in f32, with instructions for them and without") {
  for_each_isa([] {
    for (const ConvCase& c : conv_cases()) {
      CAPTURE(to_text(c.x));
      CAPTURE(to_text(c.weight));
      const ConvInputs in = inputs_of(c, DType::bf16);
      const ConvResults got = all_passes(c, in);
      for (const Tensor& t : {got.y, got.dx, got.dweight, got.dbias}) CHECK(t.dtype() == DType::f32);
      check_close(got, by_definition(c, in), 3e-6);
    }
  });
}

void check_threads(DType dtype) {
  for (const ConvCase& c : conv_cases()) {
    CAPTURE(to_text(c.x));
    const ConvInputs in = inputs_of(c, dtype);
    const ConvResults first = all_passes(c, in);
    for_each_thread_count([&] {
      const ConvResults r = all_passes(c, in);
      CHECK(same_bits(r.y, first.y));
      CHECK(same_bits(r.dx, first.dx));
      CHECK(same_bits(r.dweight, first.dweight));
      CHECK(same_bits(r.dbias, first.dbias));
    });
  }
}

TEST_CASE("convolution: the same bits at every thread count") {
  for (DType dtype : {DType::f32, DType::f64}) check_threads(dtype);
  for_each_isa([] { check_threads(DType::bf16); });
}

TEST_CASE("convolution: empty batches and channels") {
  const ConvWindow w{{1, 1}, {1, 1}, {1, 1}, 1};
  CHECK(kernels::conv("conv", zeros({0, 2, 4, 4}), ones({3, 2, 3, 3}), {}, w).shape() == Shape{0, 3, 4, 4});
  const Tensor dw = kernels::conv_weight_gradient("conv", zeros({0, 3, 4, 4}), zeros({0, 2, 4, 4}), {3, 2, 3, 3}, w);
  CHECK(same_bits(dw, zeros({3, 2, 3, 3})));
  // No input channels: every sum is empty, the bias alone is left.
  const Tensor bias = from_vector<float>({1, 2});
  const Tensor y = kernels::conv("conv", zeros({1, 0, 2, 2}), zeros({2, 0, 3, 3}), bias, w);
  CHECK(y.to_vector<float>() == std::vector<float>{1, 1, 1, 1, 2, 2, 2, 2});
  CHECK(kernels::conv_bias_gradient(y).to_vector<float>() == std::vector<float>{4, 8});
  Tensor rounded;
  for (const Tensor& none : {zeros({0, 2, 2, 2}), zeros({3, 2, 0, 2})}) {
    CHECK(same_bits(kernels::conv_bias_gradient(none), zeros({2})));
    CHECK(same_bits(kernels::round_and_conv_bias_gradient(none, &rounded), zeros({2})));
    CHECK(rounded.shape() == none.shape());
  }
  CHECK(same_bits(kernels::conv_input_gradient("conv", zeros({1, 0, 2, 2}), zeros({0, 1, 3, 3}), {1, 1, 2, 2}, w),
                  zeros({1, 1, 2, 2})));
}

}  // namespace
}  // namespace ditharos::tests
