// Attention with masks, and on keys of another length, against the definition in double.
#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include <doctest/doctest.h>

#include <ditharos/autograd/engine.h>
#include <ditharos/autograd/ops.h>
#include <ditharos/tensor/allocator.h>
#include <ditharos/tensor/factory.h>
#include <ditharos/tensor/kernels/attention/scaled_dot_product_attention.h>
#include <ditharos/tensor/kernels/copy/copy.h>
#include <ditharos/tensor/random.h>
#include <ditharos/tensor/view.h>
#include "tests/support/relative_error.h"
#include "tests/support/tensor_cases.h"

namespace ditharos::tests {
namespace {

using kernels::AttentionOperands;
constexpr double infinity = std::numeric_limits<double>::infinity();

struct Sizes {
  int64_t batch, heads, queries, keys, head_size, value_size;
  Shape scores() const { return {batch, heads, queries, keys}; }
};

/// A projection [batch, rows, heads * columns], seen as [batch, heads, rows, columns].
Tensor projection(const Sizes& s, int64_t rows, int64_t columns, uint64_t seed, DType dtype) {
  return views::permute(Generator(seed).normal({s.batch, rows, s.heads, columns}, dtype), {0, 2, 1, 3});
}
AttentionOperands draw(const Sizes& s, DType dtype, const Tensor& mask = {}, bool causal = false) {
  return {projection(s, s.queries, s.head_size, 1, dtype), projection(s, s.keys, s.head_size, 2, dtype),
          projection(s, s.keys, s.value_size, 3, dtype), mask, causal};
}
Tensor draw_grad(const Sizes& s, DType dtype) { return projection(s, s.queries, s.value_size, 4, dtype); }

struct Results {
  std::vector<double> out, dq, dk, dv;
};

/// One query and all keys at a time. What is blocked takes no part in any sum.
Results by_definition(const Sizes& s, const AttentionOperands& in, const Tensor& grad) {
  const auto q = in.q.to_vector<double>(), k = in.k.to_vector<double>(), v = in.v.to_vector<double>();
  const auto g = grad.to_vector<double>();
  const bool flags = in.mask.defined() && in.mask.dtype() == DType::boolean;
  const auto mask = in.mask.defined() ? views::expand(in.mask, s.scores()).to_vector<double>() : std::vector<double>();
  const size_t depth = size_t(s.head_size), width = size_t(s.value_size);
  const double scale = 1 / std::sqrt(double(s.head_size));
  Results r{std::vector<double>(g.size()), std::vector<double>(q.size()), std::vector<double>(k.size()),
            std::vector<double>(v.size())};
  for (int64_t head = 0; head < s.batch * s.heads; ++head)
    for (int64_t i = 0; i < s.queries; ++i) {
      const size_t row = size_t(head * s.queries + i);
      const double *qi = q.data() + row * depth, *gi = g.data() + row * width;
      std::vector<double> score(size_t(s.keys), -infinity), dp(size_t(s.keys));
      double largest = -infinity, sum = 0, delta = 0;
      for (size_t j = 0; j < size_t(s.keys); ++j) {
        const size_t key = size_t(head * s.keys) + j;
        const double m = in.mask.defined() ? mask[row * size_t(s.keys) + j] : 0;
        if ((in.causal && int64_t(j) > i) || (flags ? m == 0 : m == -infinity)) continue;
        score[j] = flags ? 0 : m;
        for (size_t c = 0; c < depth; ++c) score[j] += scale * qi[c] * k[key * depth + c];
        largest = std::max(largest, score[j]);
      }
      if (largest == -infinity) continue;
      for (double& p : score) sum += p = std::exp(p - largest);
      for (size_t j = 0; j < size_t(s.keys); ++j) {
        const size_t key = size_t(head * s.keys) + j;
        score[j] /= sum;
        for (size_t c = 0; c < width; ++c) {
          r.out[row * width + c] += score[j] * v[key * width + c];
          r.dv[key * width + c] += score[j] * gi[c];
          dp[j] += gi[c] * v[key * width + c];
        }
        delta += score[j] * dp[j];
      }
      for (size_t j = 0; j < size_t(s.keys); ++j) {
        const size_t key = size_t(head * s.keys) + j;
        const double ds = scale * score[j] * (dp[j] - delta);
        for (size_t c = 0; c < depth; ++c) {
          r.dq[row * depth + c] += ds * k[key * depth + c];
          r.dk[key * depth + c] += ds * qi[c];
        }
      }
    }
  return r;
}

/// Everything that the kernel computes, in one row.
std::vector<Tensor> run(const AttentionOperands& in, const Tensor& grad) {
  Tensor statistics;
  const Tensor out = kernels::scaled_dot_product_attention(in, &statistics);
  const auto d = kernels::scaled_dot_product_attention_backward(in, out, statistics, grad);
  return {out, d.q, d.k, d.v};
}

void compare(const Sizes& s, const AttentionOperands& in, const Tensor& grad) {
  INFO("scores ", to_text(s.scores()), " head size ", s.head_size, " causal ", in.causal, " in ", name_of(in.q.dtype()),
       " mask ", in.mask.defined() ? to_text(in.mask.shape()) : "none", " ", kernels::name_of(kernels::active_isa()));
  const double tolerance = in.q.dtype() == DType::f32 ? 2e-5 : 1e-12;
  const Results want = by_definition(s, in, grad);
  const auto got = run(in, grad);
  const std::vector<double>* wanted[] = {&want.out, &want.dq, &want.dk, &want.dv};
  for (size_t i = 0; i < got.size(); ++i) {
    CAPTURE(i);
    CHECK(relative_error(got[i], *wanted[i]) < tolerance);
  }
}

/// Booleans that are true with probability 1/2, in any layout. The last query has no key, and keys 64 to 127 are masked
/// out for every query: a block to skip.
Tensor draw_flags(Choices& choices, const Shape& shape) {
  const Tensor mask = random_layout(choices, shape, DType::boolean, /*distinct=*/true);
  const int64_t queries = shape[shape.rank() - 2], keys = shape[shape.rank() - 1];
  if (queries > 1) {
    kernels::fill(views::slice(mask, shape.rank() - 2, queries - 1, queries, 1), 0);
    if (keys > 128) kernels::fill(views::slice(mask, shape.rank() - 1, 64, 128, 1), 0);
  }
  return mask;
}
/// Normal numbers where flags are true, minus infinity elsewhere.
Tensor draw_numbers(Choices& choices, const Shape& shape, DType dtype) {
  const auto seen = draw_flags(choices, shape).to_vector<double>();
  auto numbers = Generator(choices()).normal(shape, dtype).to_vector<double>();
  for (size_t i = 0; i < seen.size(); ++i)
    if (seen[i] == 0) numbers[i] = -infinity;
  return kernels::to(from_vector(numbers, shape), dtype);
}

}  // namespace

TEST_CASE("masked attention: lengths around the tiles' size, value size not head size, causal and not") {
  for_each_isa([] {
    for (DType dtype : {DType::f32, DType::f64})
      for (const Sizes& s : {Sizes{2, 2, 1, 1, 1, 1},
                             {1, 2, 63, 65, 24, 10},
                             {2, 1, 64, 64, 16, 16},
                             {1, 2, 130, 70, 5, 33},
                             {1, 1, 5, 200, 64, 72},
                             {2, 3, 70, 24, 32, 32}})
        for (bool causal : {false, true}) compare(s, draw(s, dtype, {}, causal), draw_grad(s, dtype));
  });
}

TEST_CASE("masked attention: booleans and numbers of every shape and layout, with queries without keys") {
  Choices choices(5);
  const Sizes s{2, 2, 70, 150, 8, 12};
  for_each_isa([&] {
    for (const Shape& shape : {Shape{2, 2, 70, 150}, Shape{2, 1, 1, 150}, Shape{70, 150}, Shape{1, 150}, Shape{70, 1},
                               Shape{2, 1, 1, 1}, Shape{1, 2, 70, 150}})
      for (bool causal : {false, true}) {
        compare(s, draw(s, DType::f32, draw_flags(choices, shape), causal), draw_grad(s, DType::f32));
        compare(s, draw(s, DType::f64, draw_flags(choices, shape), causal), draw_grad(s, DType::f64));
        compare(s, draw(s, DType::f64, draw_numbers(choices, shape, DType::f64), causal), draw_grad(s, DType::f64));
        compare(s, draw(s, DType::f32, draw_numbers(choices, shape, DType::f32), causal), draw_grad(s, DType::f32));
      }
  });
}

TEST_CASE("masked attention: operands and gradients of any strides") {
  Choices choices(6);
  const Sizes s{2, 3, 20, 30, 9, 7};
  for (int i = 0; i < 20; ++i) {
    const AttentionOperands in{random_layout(choices, {2, 3, 20, 9}, DType::f64),
                               random_layout(choices, {2, 3, 30, 9}, DType::f64),
                               random_layout(choices, {2, 3, 30, 7}, DType::f64),
                               random_layout(choices, random_part(choices, s.scores()), DType::boolean), i % 2 == 0};
    compare(s, in, random_layout(choices, {2, 3, 20, 7}, DType::f64));
  }
}

TEST_CASE("masked attention: without any key, zeros and zero gradients") {
  const Sizes s{1, 2, 70, 24, 8, 8};
  for (const Shape& shape : {Shape{1, 24}, Shape{70, 24}})
    for (const Tensor& mask : {zeros(shape, DType::boolean), full(shape, -infinity)})
      for (const Tensor& x : run(draw(s, DType::f32, mask), draw_grad(s, DType::f32)))
        for (double value : x.to_vector<double>()) CHECK(value == 0);
}

TEST_CASE("masked attention: the lowest number is a number; keys that are left out are not read") {
  const Sizes s{1, 1, 3, 100, 8, 8};
  const Tensor grad = draw_grad(s, DType::f32), lowest = full({3, 100}, -std::numeric_limits<float>::max());
  const AttentionOperands alike = draw(s, DType::f32, lowest);  // scores are lost beside it: all keys weigh the same
  const auto out = run(alike, grad)[0].to_vector<double>(), values = alike.v.to_vector<double>();
  for (size_t i = 0; i < out.size(); ++i) {
    double sum = 0;
    for (size_t j = 0; j < 100; ++j) sum += values[j * 8 + i % 8];
    CHECK(out[i] == doctest::Approx(sum / 100));
  }

  const Tensor mask = ones({1, 1, 1, 100}, DType::boolean);
  kernels::fill(views::slice(mask, 3, 90, 100, 1), 0);
  const AttentionOperands padded = draw(s, DType::f32, mask);
  const auto before = run(padded, grad);
  kernels::fill(views::slice(padded.k, 2, 90, 100, 1), NAN);
  kernels::fill(views::slice(padded.v, 2, 90, 100, 1), NAN);
  const auto after = run(padded, grad);
  for (size_t i = 0; i < before.size(); ++i) CHECK(same_bits(before[i], after[i]));
}

TEST_CASE("masked attention: scores that are lost beside a huge number weigh the same in both passes") {
  const Sizes s{1, 2, 70, 130, 8, 6};
  for_each_isa([&] {
    for (const DType dtype : {DType::f32, DType::f64})
      for (const double number : {1e30, -1e30})
        for (const Shape& shape : {Shape{70, 130}, Shape{1, 130}})
          for (const bool causal : {false, true})
            compare(s, draw(s, dtype, full(shape, number, dtype), causal), draw_grad(s, dtype));
  });
}

TEST_CASE("masked attention: the same bits at every number of threads") {
  Choices choices(7);
  const Sizes s{3, 4, 100, 90, 24, 24};
  const Tensor grad = draw_grad(s, DType::f32);
  for (const Tensor& mask :
       {Tensor{}, draw_flags(choices, {3, 1, 1, 90}), draw_numbers(choices, {100, 90}, DType::f32)}) {
    const AttentionOperands in = draw(s, DType::f32, mask, true);
    const auto want = run(in, grad);
    for_each_thread_count([&] {
      const auto got = run(in, grad);
      for (size_t i = 0; i < got.size(); ++i) CHECK(same_bits(got[i], want[i]));
    });
  }
}

TEST_CASE("masked attention: allocates only the results, in the layout of the next layer") {
  const Sizes s{2, 2, 512, 512, 16, 16};
  const Tensor grad = draw_grad(s, DType::f32), mask = ones({1, 1, 512, 512}, DType::boolean);
  const AttentionOperands in = draw(s, DType::f32, mask);
  const RestoreSettings restore;
  set_num_threads(1);
  const auto first = run(in, grad);  // now this thread has its scratch memory
  CHECK(views::permute(first[0], {0, 2, 1, 3}).is_contiguous());
  CHECK(views::permute(first[2], {0, 2, 1, 3}).is_contiguous());
  reset_peak();
  const size_t before = allocator_stats().live;
  const auto again = run(in, grad);
  const size_t results = 4 * size_t(2 * 2 * 512 * 16) * sizeof(float) + size_t(2 * 2 * 512) * sizeof(float);
  CHECK(allocator_stats().peak - before <= results + results / 4);  // blocks are rounded up
}

TEST_CASE("masked attention: gradients are finite at large scores, whatever the scale of the head size is") {
  for (const int64_t size : {2, 3, 5, 8})
    for (const bool causal : {false, true}) {
      INFO("head size ", size, " causal ", causal);
      const Sizes s{2, 2, 70, 70, size, 4};
      AttentionOperands in = draw(s, DType::f32, {}, causal);
      in.q = in.q * 1e10, in.k = in.k * 1e10;
      const auto got = run(in, draw_grad(s, DType::f32));
      for (const Tensor& x : got) CHECK(all(isfinite(x)).item() == 1);
      // Each query attends to the key with the largest score alone, which gets its whole gradient.
      const Tensor total = sum(draw_grad(s, DType::f32), {2}), values = sum(got[3], {2});
      CHECK(relative_error(values, total.to_vector<double>()) < 1e-5);
    }
}

TEST_CASE("masked attention: nothing to do") {
  for (const Sizes& s : {Sizes{0, 2, 3, 4, 5, 6},
                         {2, 0, 3, 4, 5, 6},
                         {2, 2, 0, 4, 5, 6},
                         {2, 2, 3, 0, 5, 6},
                         {2, 2, 3, 4, 0, 6},
                         {2, 2, 3, 4, 5, 0}})
    for (bool causal : {false, true}) {
      const AttentionOperands in = draw(s, DType::f32, zeros({s.queries, s.keys}), causal);
      const auto got = run(in, draw_grad(s, DType::f32));
      CHECK(got[0].shape() == Shape{s.batch, s.heads, s.queries, s.value_size});
      compare(s, in, draw_grad(s, DType::f32));
    }
}

TEST_CASE("masked attention: a mask that is learned gets a gradient, and nothing else changes") {
  Choices choices(8);
  const Sizes s{2, 2, 70, 30, 8, 8};
  const Tensor mask = draw_numbers(choices, {2, 1, 70, 30}, DType::f64),
               learned = views::alias(mask).set_requires_grad();
  const AttentionOperands in = draw(s, DType::f64);
  for (const Tensor& x : {in.q, in.k, in.v}) x.set_requires_grad();
  const Tensor weight = draw_grad(s, DType::f64);
  const Tensor constant_out = scaled_dot_product_attention(in.q, in.k, in.v, mask, true);
  const Tensor learned_out = scaled_dot_product_attention(in.q, in.k, in.v, learned, true);
  CHECK(relative_error(learned_out, constant_out.to_vector<double>()) < 1e-12);
  const auto want = grad({constant_out}, {in.q, in.k, in.v}, {weight});
  const auto got = grad({learned_out}, {in.q, in.k, in.v, learned}, {weight});
  for (size_t i = 0; i < want.size(); ++i) CHECK(relative_error(got[i], want[i].to_vector<double>()) < 1e-12);
  // What is blocked has no part in the loss; the rows of dS sum up to 0.
  const Tensor blocked = equal(mask, scalar(-infinity, DType::f64));
  CHECK(amax(abs(masked_fill(got[3], logical_not(blocked), 0))).item() == 0);
  CHECK(amax(abs(sum(got[3], {-1}))).item() < 1e-12);
  CHECK(amax(abs(got[3])).item() > 1e-3);
}

}  // namespace ditharos::tests
