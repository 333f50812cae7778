// Attention and its gradient against the definition in double.
#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <vector>

#include <doctest/doctest.h>

#include <ditharos/tensor/factory.h>
#include <ditharos/tensor/kernels/attention/attention.h>
#include <ditharos/tensor/kernels/dispatch.h>
#include <ditharos/tensor/parallel.h>
#include <ditharos/tensor/random.h>
#include <ditharos/tensor/view.h>
#include "tests/support/relative_error.h"
#include "tests/support/tensor_cases.h"

namespace ditharos {
namespace {

using tests::relative_error;

struct Expected {
  std::vector<double> out, statistics, dqkv;
};

/// softmax(q k^T / sqrt(size)) v for each head, and the gradient of sum(grad * out).
Expected attend(const Tensor& qkv, const Tensor& grad, int64_t heads) {
  const int64_t batch = qkv.size(0), tokens = qkv.size(1), d = qkv.size(2) / 3, size = d / heads;
  const auto x = qkv.to_vector<double>(), g = grad.to_vector<double>();
  Expected e{std::vector<double>(g.size()), std::vector<double>(size_t(2 * batch * heads * tokens)),
             std::vector<double>(x.size())};
  const double scale = 1 / std::sqrt(double(size));
  // part 0, 1, 2: query, key, value
  const auto at = [&](int64_t b, int64_t t, int64_t part, int64_t h, int64_t c) {
    return size_t(((b * tokens + t) * 3 + part) * d + h * size + c);
  };
  for (int64_t b = 0; b < batch; ++b)
    for (int64_t h = 0; h < heads; ++h)
      for (int64_t i = 0; i < tokens; ++i) {
        std::vector<double> score(static_cast<size_t>(tokens)), dp(static_cast<size_t>(tokens));
        double largest = -INFINITY, sum = 0, delta = 0;
        for (int64_t j = 0; j < tokens; ++j) {
          for (int64_t c = 0; c < size; ++c) score[size_t(j)] += scale * x[at(b, i, 0, h, c)] * x[at(b, j, 1, h, c)];
          largest = std::max(largest, score[size_t(j)]);
        }
        for (double& s : score) sum += s = std::exp(s - largest);
        e.statistics[size_t(2 * (b * heads + h) * tokens + i)] = largest / scale;
        e.statistics[size_t((2 * (b * heads + h) + 1) * tokens + i)] = 1 / sum;
        const size_t row = size_t((b * tokens + i) * d + h * size);
        for (int64_t j = 0; j < tokens; ++j) {
          const double p = score[size_t(j)] /= sum;
          for (int64_t c = 0; c < size; ++c) {
            e.out[row + size_t(c)] += p * x[at(b, j, 2, h, c)];
            e.dqkv[at(b, j, 2, h, c)] += p * g[row + size_t(c)];
            dp[size_t(j)] += g[row + size_t(c)] * x[at(b, j, 2, h, c)];
          }
          delta += p * dp[size_t(j)];
        }
        for (int64_t j = 0; j < tokens; ++j) {
          const double ds = scale * score[size_t(j)] * (dp[size_t(j)] - delta);
          for (int64_t c = 0; c < size; ++c) {
            e.dqkv[at(b, i, 0, h, c)] += ds * x[at(b, j, 1, h, c)];
            e.dqkv[at(b, j, 1, h, c)] += ds * x[at(b, i, 0, h, c)];
          }
        }
      }
  return e;
}

Tensor random(const Shape& shape, uint64_t seed, DType dtype) { return Generator(seed).normal(shape, dtype); }

void check_attention(int64_t batch, int64_t tokens, int64_t heads, int64_t size, DType dtype) {
  const Tensor qkv = random({batch, tokens, 3 * heads * size}, 1, dtype);
  const Tensor grad = random({batch, tokens, heads * size}, 2, dtype);
  const Expected e = attend(qkv, grad, heads);
  const double tolerance = dtype == DType::f32 ? 1e-5 : 1e-13;
  INFO(kernels::name_of(kernels::active_isa()), " ", name_of(dtype), " tokens ", tokens, " head size ", size);
  Tensor statistics;
  const Tensor out = kernels::attention_keeping(kernels::AttentionKeeps::statistics, qkv, heads, &statistics);
  CHECK(relative_error(out, e.out) < tolerance);
  CHECK(statistics.shape() == Shape{batch, heads, 2 * tokens});
  CHECK(relative_error(statistics, e.statistics) < tolerance);
  CHECK(relative_error(kernels::attention(qkv, heads, nullptr), e.out) < tolerance);
  const Tensor dqkv = kernels::attention_backward(grad, qkv, out, statistics, heads);
  CHECK(dqkv.shape() == qkv.shape());
  CHECK(relative_error(dqkv, e.dqkv) < 4 * tolerance);
  if (kernels::attention_keeps(tokens) == kernels::AttentionKeeps::statistics) return;
  Tensor weights;  // short sequences keep their softmax
  CHECK(tests::same_bits(kernels::attention(qkv, heads, &weights), out));
  CHECK(weights.rank() == 4);
  CHECK(relative_error(kernels::attention_backward(grad, qkv, out, weights, heads), e.dqkv) < 4 * tolerance);
}

}  // namespace

TEST_CASE("attention: any number of tokens and any head size, every instruction set") {
  const tests::RestoreSettings restore;
  for (kernels::Isa isa : {kernels::Isa::baseline, kernels::Isa::avx2, kernels::Isa::avx512}) {
    kernels::set_isa(isa);
    for (DType dtype : {DType::f32, DType::f64}) {
      check_attention(3, 49, 4, 24, dtype);
      check_attention(1, 130, 2, 64, dtype);
      check_attention(2, 64, 1, 8, dtype);
      check_attention(2, 65, 2, 1, dtype);
      check_attention(2, 1, 2, 5, dtype);
      check_attention(1, 17, 3, 33, dtype);
      check_attention(1, 70, 1, 72, dtype);
      check_attention(2, 9, 3, 40, dtype);
      check_attention(1, 60, 2, 20, dtype);
    }
  }
}

TEST_CASE("attention: large scores neither overflow nor lose the largest, wherever it stands") {
  for (int64_t largest : {0, 50, 63, 64, 129}) {
    const Tensor qkv = random({1, 130, 3 * 16}, 1, DType::f32);
    float* p = qkv.mutable_data<float>();
    for (int64_t t = 0; t < 130; ++t)
      for (int64_t c = 0; c < 16; ++c) {
        p[t * 48 + c] = 40;                                // all queries
        p[t * 48 + 16 + c] = t == largest ? 40.f : -40.f;  // one key matches: scores of +-6400
      }
    Tensor statistics;
    const auto out = kernels::attention(qkv, 1, &statistics).to_vector<double>();
    for (size_t t = 0; t < 130; ++t)
      for (size_t c = 0; c < 16; ++c) CHECK(out[t * 16 + c] == doctest::Approx(p[size_t(largest) * 48 + 32 + c]));
    const auto all = statistics.to_vector<double>();  // the largest scores, and reciprocals of sums of 1
    for (size_t t = 0; t < all.size(); ++t) CHECK(all[t] == doctest::Approx(t < 130 ? 25600 : 1));
  }
}

TEST_CASE("attention: a NaN spoils its own head and sample alone") {
  const Tensor qkv = random({2, 70, 3 * 2 * 8}, 1, DType::f32);
  qkv.mutable_data<float>()[size_t(65 * 48 + 16 + 3)] = std::numeric_limits<float>::quiet_NaN();  // key 65, head 0
  const auto out = kernels::attention(qkv, 2, nullptr).to_vector<double>();
  for (size_t i = 0; i < out.size(); ++i) CHECK(std::isnan(out[i]) == (i < 70 * 16 && i % 16 < 8));
}

TEST_CASE("attention: the same bits at every thread count") {
  const tests::RestoreSettings restore;
  const Tensor qkv = random({3, 100, 3 * 4 * 24}, 1, DType::f32), grad = random({3, 100, 4 * 24}, 2, DType::f32);
  const auto run = [&] {
    Tensor statistics;
    const Tensor out = kernels::attention(qkv, 4, &statistics);
    std::vector<float> all = out.to_vector<float>();
    for (const Tensor& t : {statistics, kernels::attention_backward(grad, qkv, out, statistics, 4)}) {
      const auto more = t.to_vector<float>();
      all.insert(all.end(), more.begin(), more.end());
    }
    return all;
  };
  set_num_threads(1);
  const auto one = run();
  for (int threads : {2, 3, 4, 8}) {
    set_num_threads(threads);
    CHECK(std::memcmp(one.data(), run().data(), one.size() * sizeof(float)) == 0);
  }
}

TEST_CASE("attention: strided inputs, nothing to do, refusals") {
  const Tensor turned = views::permute(random({9, 2, 12}, 1, DType::f64), {1, 0, 2});
  const Tensor grad = random({2, 9, 4}, 2, DType::f64);
  CHECK(relative_error(kernels::attention(turned, 1, nullptr), attend(turned, grad, 1).out) < 1e-13);

  CHECK(kernels::attention(zeros({0, 5, 12}), 2, nullptr).shape() == Shape{0, 5, 4});
  CHECK(kernels::attention(zeros({2, 0, 12}), 2, nullptr).shape() == Shape{2, 0, 4});

  CHECK_THROWS_AS(kernels::attention(zeros({2, 5, 12}), 3, nullptr), ShapeError);
  CHECK_THROWS_AS(kernels::attention(zeros({2, 5, 12}), 0, nullptr), ShapeError);
  CHECK_THROWS_AS(kernels::attention(zeros({5, 12}), 2, nullptr), ShapeError);
  CHECK_THROWS_AS(kernels::attention(zeros({2, 5, 12}, DType::i64), 2, nullptr), DTypeError);
  Tensor statistics;
  const Tensor qkv = zeros({2, 5, 12}), out = kernels::attention(qkv, 2, &statistics);
  CHECK_THROWS_AS(kernels::attention_backward(zeros({2, 5, 5}), qkv, out, statistics, 2), ShapeError);
  CHECK_THROWS_AS(kernels::attention_backward(out, qkv, out, statistics, 1), ShapeError);
}

}  // namespace ditharos
