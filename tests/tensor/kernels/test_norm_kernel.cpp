// Layer normalisation, modulation and gated residual against the definitions in double.
#include <cmath>
#include <limits>
#include <vector>

#include <doctest/doctest.h>

#include <ditharos/tensor/factory.h>
#include <ditharos/tensor/kernels/copy/copy.h>
#include <ditharos/tensor/kernels/dispatch.h>
#include <ditharos/tensor/kernels/norm/norm.h>
#include <ditharos/tensor/parallel.h>
#include <ditharos/tensor/random.h>
#include <ditharos/tensor/view.h>
#include "tests/support/relative_error.h"
#include "tests/support/tensor_cases.h"

namespace ditharos::test_norm_kernel {
namespace {

using tests::relative_error;

constexpr double eps = 1e-6;

Tensor random(const Shape& shape, uint64_t seed, DType dtype) { return Generator(seed).normal(shape, dtype); }

/// What the definitions give for x [B, T, D] with vectors [B, D], and the gradients of sum(grad * y).
struct Expected {
  std::vector<double> y, dx, dscale, dshift;
};
Expected modulate(const Tensor& x, const Tensor& scale, const Tensor& shift, const Tensor& grad, double offset) {
  const int64_t batch = x.size(0), tokens = x.size(1), d = x.size(2);
  const auto xs = x.to_vector<double>(), a = scale.to_vector<double>(), b = shift.to_vector<double>();
  const auto g = grad.to_vector<double>();
  Expected e{std::vector<double>(xs.size()), std::vector<double>(xs.size()), std::vector<double>(a.size()),
             std::vector<double>(a.size())};
  for (int64_t s = 0; s < batch; ++s)
    for (int64_t t = 0; t < tokens; ++t) {
      const size_t row = size_t((s * tokens + t) * d), shared = size_t(s * d);
      double mean = 0, variance = 0, sum = 0, sum_xhat = 0;
      for (int64_t j = 0; j < d; ++j) mean += xs[row + j] / double(d);
      for (int64_t j = 0; j < d; ++j) variance += (xs[row + j] - mean) * (xs[row + j] - mean) / double(d);
      const double inverse = 1 / std::sqrt(variance + eps);
      for (int64_t j = 0; j < d; ++j) {
        const double xhat = (xs[row + j] - mean) * inverse, factor = offset + a[shared + j];
        e.y[row + j] = xhat * factor + b[shared + j];
        e.dscale[shared + j] += g[row + j] * xhat;
        e.dshift[shared + j] += g[row + j];
        sum += g[row + j] * factor;
        sum_xhat += g[row + j] * factor * xhat;
      }
      for (int64_t j = 0; j < d; ++j) {
        const double xhat = (xs[row + j] - mean) * inverse, gy = g[row + j] * (offset + a[shared + j]);
        e.dx[row + j] = inverse * (gy - sum / double(d) - xhat * sum_xhat / double(d));
      }
    }
  return e;
}

double tolerance(DType dtype) { return dtype == DType::f32 ? 2e-5 : 1e-12; }

using tests::same_bits;

}  // namespace

TEST_CASE("layer_norm_modulate and its gradients, every instruction set, strided vectors") {
  const tests::RestoreSettings restore;
  for (kernels::Isa isa : {kernels::Isa::baseline, kernels::Isa::avx2, kernels::Isa::avx512})
    for (DType dtype : {DType::f32, DType::f64})
      for (const Shape& shape :
           {Shape{2, 3, 5}, Shape{1, 1, 1}, Shape{3, 49, 96}, Shape{2, 150, 33}, Shape{1, 2, 384}}) {
        kernels::set_isa(isa);
        const int64_t batch = shape[0], d = shape[2];
        // shift and scale are chunks of one tensor, as the modulation's linear layer makes them.
        const Tensor x = random(shape, 1, dtype), grad = random(shape, 2, dtype);
        const Tensor both = random({batch, 2 * d}, 3, dtype);
        const Tensor shift = views::slice(both, 1, 0, d, 1), scale = views::slice(both, 1, d, 2 * d, 1);
        const Expected e = modulate(x, scale, shift, grad, 1);
        INFO(kernels::name_of(kernels::active_isa()), " ", name_of(dtype), " width ", d);
        Tensor statistics;
        CHECK(relative_error(kernels::layer_norm_modulate(x, shift, scale, eps, &statistics), e.y) < tolerance(dtype));
        CHECK(same_bits(kernels::layer_norm_modulate(x, shift, scale, eps, nullptr),
                        kernels::layer_norm_modulate(x, shift, scale, eps, &statistics)));
        const auto grads = kernels::layer_norm_modulate_backward(grad, x, scale, statistics);
        CHECK(relative_error(grads.x, e.dx) < tolerance(dtype));
        CHECK(relative_error(grads.scale, e.dscale) < tolerance(dtype));
        CHECK(relative_error(grads.shift, e.dshift) < tolerance(dtype));
        CHECK(grads.scale.shape() == Shape{batch, d});
      }
}

TEST_CASE("layer_norm with and without the affine map, any rank") {
  for (DType dtype : {DType::f32, DType::f64}) {
    const Tensor x = random({2, 3, 40, 17}, 1, dtype), grad = random({2, 3, 40, 17}, 2, dtype);
    const Tensor weight = random({17}, 3, dtype), bias = random({17}, 4, dtype);
    const auto as_sample = [](const Tensor& t) { return views::reshape(t, {1, t.numel() / 17, 17}); };
    const Expected e = modulate(as_sample(x), as_sample(weight), as_sample(bias), as_sample(grad), 0);
    Tensor statistics;
    CHECK(relative_error(kernels::layer_norm(x, weight, bias, eps, &statistics), e.y) < tolerance(dtype));
    const auto grads = kernels::layer_norm_backward(grad, x, weight, statistics);
    CHECK(relative_error(grads.x, e.dx) < tolerance(dtype));
    CHECK(relative_error(grads.weight, e.dscale) < tolerance(dtype));
    CHECK(relative_error(grads.bias, e.dshift) < tolerance(dtype));
    CHECK(grads.weight.shape() == Shape{17});

    const Tensor one = ones({17}, dtype), zero = zeros({17}, dtype);
    const Expected plain = modulate(as_sample(x), as_sample(one), as_sample(zero), as_sample(grad), 0);
    CHECK(relative_error(kernels::layer_norm(x, {}, {}, eps, nullptr), plain.y) < tolerance(dtype));
    CHECK(relative_error(kernels::layer_norm(x, {}, zero, eps, nullptr), plain.y) < tolerance(dtype));
    CHECK(relative_error(kernels::layer_norm(x, one, {}, eps, nullptr), plain.y) < tolerance(dtype));
    const auto plain_grads = kernels::layer_norm_backward(grad, x, {}, statistics);
    CHECK(relative_error(plain_grads.x, plain.dx) < tolerance(dtype));
    CHECK(!plain_grads.weight.defined());
    CHECK(!plain_grads.bias.defined());
  }
}

TEST_CASE("layer_norm: a large mean does not cancel the variance") {
  const Tensor x({1, 256}, DType::f32);
  float* p = x.mutable_data<float>();
  for (int j = 0; j < 256; ++j) p[j] = 10000.f + float(j % 2);  // variance 1/4
  for (double v : kernels::layer_norm(x, {}, {}, 1e-6, nullptr).to_vector<double>())
    CHECK(std::abs(std::abs(v) - 1) < 1e-3);
}

TEST_CASE("layer_norm: NaN and infinity spoil their row alone") {
  const Tensor x = random({3, 20}, 1, DType::f32);
  x.mutable_data<float>()[25] = std::numeric_limits<float>::infinity();
  const auto y = kernels::layer_norm(x, {}, {}, eps, nullptr).to_vector<double>();
  for (size_t i = 0; i < y.size(); ++i) CHECK(std::isnan(y[i]) == (i / 20 == 1));
}

TEST_CASE("gated_residual and its gradients") {
  for (DType dtype : {DType::f32, DType::f64})
    for (const Shape& shape : {Shape{2, 3, 5}, Shape{3, 49, 96}, Shape{2, 150, 33}}) {
      const int64_t batch = shape[0], tokens = shape[1], d = shape[2];
      const Tensor x = random(shape, 1, dtype), y = random(shape, 2, dtype), grad = random(shape, 3, dtype);
      const Tensor gate = views::slice(random({batch, 6 * d}, 4, dtype), 1, 2 * d, 3 * d, 1);
      const auto xs = x.to_vector<double>(), ys = y.to_vector<double>(), gs = grad.to_vector<double>();
      const auto factors = gate.to_vector<double>();
      std::vector<double> out(xs.size()), dy(xs.size()), dgate(factors.size());
      for (size_t i = 0; i < xs.size(); ++i) {
        const size_t at = i / size_t(tokens * d) * size_t(d) + i % size_t(d);
        out[i] = xs[i] + factors[at] * ys[i];
        dy[i] = gs[i] * factors[at];
        dgate[at] += gs[i] * ys[i];
      }
      CHECK(relative_error(kernels::gated_residual(x, gate, y), out) < tolerance(dtype));
      const auto grads = kernels::gated_residual_backward(grad, gate, y);
      CHECK(relative_error(grads.y, dy) < tolerance(dtype));
      CHECK(relative_error(grads.gate, dgate) < tolerance(dtype));
    }
}

TEST_CASE("norm kernels: the same bits at every thread count") {
  const tests::RestoreSettings restore;
  const Tensor x = random({5, 300, 64}, 1, DType::f32), grad = random({5, 300, 64}, 2, DType::f32);
  const Tensor scale = random({5, 64}, 3, DType::f32), shift = random({5, 64}, 4, DType::f32);
  const auto run = [&] {
    Tensor statistics;
    std::vector<Tensor> all{kernels::layer_norm_modulate(x, shift, scale, eps, &statistics)};
    const auto m = kernels::layer_norm_modulate_backward(grad, x, scale, statistics);
    const auto affine =
        kernels::layer_norm_backward(grad, x, views::reshape(views::slice(scale, 0, 0, 1, 1), {64}), statistics);
    const auto gated = kernels::gated_residual_backward(grad, scale, x);
    for (const Tensor& t :
         {statistics, m.x, m.scale, m.shift, affine.x, affine.weight, affine.bias, gated.y, gated.gate})
      all.push_back(t);
    all.push_back(kernels::gated_residual(x, scale, grad));
    return all;
  };
  set_num_threads(1);
  const auto one = run();
  for (int threads : {2, 3, 4, 8}) {
    set_num_threads(threads);
    const auto many = run();
    for (size_t i = 0; i < one.size(); ++i) CHECK(same_bits(one[i], many[i]));
  }
}

TEST_CASE("norm kernels: empty batches, strided inputs, refusals") {
  const Tensor none = kernels::layer_norm_modulate(zeros({0, 4, 8}), zeros({0, 8}), zeros({0, 8}), eps, nullptr);
  CHECK(none.shape() == Shape{0, 4, 8});
  const auto no_tokens = kernels::gated_residual_backward(zeros({2, 0, 8}), ones({2, 8}), zeros({2, 0, 8}));
  for (double v : no_tokens.gate.to_vector<double>()) CHECK(v == 0);
  CHECK(no_tokens.gate.shape() == Shape{2, 8});

  const Tensor x = random({4, 2, 6}, 1, DType::f64);
  const Tensor turned = views::permute(x, {1, 0, 2});
  CHECK(same_bits(kernels::layer_norm(turned, {}, {}, eps, nullptr),
                  views::permute(kernels::layer_norm(x, {}, {}, eps, nullptr), {1, 0, 2})));

  CHECK_THROWS_AS(kernels::layer_norm(zeros({2, 8}), zeros({7}), {}, eps, nullptr), ShapeError);
  CHECK_THROWS_AS(kernels::layer_norm(zeros({2, 8}), zeros({8}, DType::f64), {}, eps, nullptr), DTypeError);
  CHECK_THROWS_AS(kernels::layer_norm(zeros({2, 8}, DType::i64), {}, {}, eps, nullptr), DTypeError);
  const Tensor vectors = zeros({2, 8});
  CHECK_THROWS_AS(kernels::layer_norm_modulate(zeros({2, 8}), vectors, vectors, eps, nullptr), ShapeError);
  CHECK_THROWS_AS(kernels::layer_norm_modulate(zeros({3, 3, 8}), vectors, vectors, eps, nullptr), ShapeError);
  CHECK_THROWS_AS(kernels::gated_residual(zeros({2, 3, 8}), zeros({2, 8}), zeros({2, 4, 8})), ShapeError);
}

TEST_CASE("norms: what a linear layer reads or computed may be bf16, and its gradient too") {
  const auto rounded = [](const Tensor& t) { return kernels::to(t, DType::bf16); };
  const auto widened = [](const Tensor& t) { return kernels::to(t, DType::f32); };
  tests::for_each_isa([&] {
    for (const int64_t d : {1, 7, 48, 100}) {
      const Shape shape{2, 70, d};
      const Tensor x = random(shape, 1, DType::f32), grad = rounded(random(shape, 2, DType::f32));
      const Tensor y = rounded(random(shape, 3, DType::f32)), gate = random({2, d}, 4, DType::f32);
      const Tensor shift = random({2, d}, 5, DType::f32), scale = random({2, d}, 6, DType::f32);
      Tensor statistics, of_wide;
      const Tensor normalized = kernels::layer_norm_modulate(x, shift, scale, eps, &statistics, DType::bf16);
      CHECK(same_bits(normalized, rounded(kernels::layer_norm_modulate(x, shift, scale, eps, &of_wide))));
      CHECK(same_bits(statistics, of_wide));
      const auto g = kernels::layer_norm_modulate_backward(grad, x, scale, statistics),
                 wide = kernels::layer_norm_modulate_backward(widened(grad), x, scale, statistics);
      const auto close = [](const Tensor& a, const Tensor& b) {
        return relative_error(a, b.to_vector<double>()) < 1e-6;
      };
      CHECK((close(g.x, wide.x) && close(g.shift, wide.shift) && close(g.scale, wide.scale)));

      const Tensor sum = kernels::gated_residual(x, gate, widened(y));
      CHECK(same_bits(kernels::gated_residual(x, gate, y), sum));
      for (const DType dtype : {DType::f32, DType::bf16}) {
        const auto both = kernels::gated_residual_norm(x, gate, y, shift, scale, eps, nullptr, dtype);
        CHECK(same_bits(both.residual, sum));
        CHECK(same_bits(both.normalized, kernels::layer_norm_modulate(sum, shift, scale, eps, nullptr, dtype)));
      }
      const auto gated = kernels::gated_residual_backward(x, gate, y),
                 of_f32 = kernels::gated_residual_backward(x, gate, widened(y));
      CHECK((same_bits(gated.gate, of_f32.gate) && same_bits(gated.y, rounded(of_f32.y))));
    }
  });
  const Tensor x = random({2, 3, 8}, 1, DType::f64), none = random({2, 8}, 2, DType::f64);
  CHECK_THROWS_AS(kernels::gated_residual(x, none, rounded(random({2, 3, 8}, 3, DType::f32))), DTypeError);
}

}  // namespace ditharos::test_norm_kernel
