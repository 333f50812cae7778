// Products of bf16 with sums in f32, under every instruction set: with instructions for them, and widened to f32.
#include <array>
#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>
#include <vector>

#include <doctest/doctest.h>

#include <ditharos/autograd/ops.h>
#include <ditharos/tensor/factory.h>
#include <ditharos/tensor/kernels/attention/attention.h>
#include <ditharos/tensor/kernels/attention/scaled_dot_product_attention.h>
#include <ditharos/tensor/kernels/copy/copy.h>
#include <ditharos/tensor/kernels/gemm/linear.h>
#include <ditharos/tensor/kernels/gemm/matmul.h>
#include <ditharos/tensor/kernels/gemm/packed_linear.h>
#include <ditharos/tensor/kernels/norm/group_norm.h>
#include <ditharos/tensor/kernels/pointwise/pointwise.h>
#include <ditharos/tensor/random.h>
#include <ditharos/tensor/view.h>
#include "tests/support/relative_error.h"
#include "tests/support/tensor_cases.h"

namespace ditharos::test_bf16_products {

using tests::relative_error;
using tests::same_bits;

namespace {

Tensor bf16(const Shape& shape, uint64_t seed) { return to(Generator(seed).normal(shape), DType::bf16); }
Tensor f64(const Tensor& x) { return to(x, DType::f64); }
std::vector<double> numbers(const Tensor& x) { return x.to_vector<double>(); }

}  // namespace

TEST_CASE("bf16: rounding is to the nearest, ties to even, NaN stays NaN, under every instruction set") {
  const float inf = std::numeric_limits<float>::infinity(), nan = std::numeric_limits<float>::quiet_NaN();
  struct Row {
    float from, rounded;
  };
  std::vector<Row> rows{{1.f, 1.f},           {1.00390625f, 1.f},   {1.01171875f, 1.015625f},
                        {-1.00390625f, -1.f}, {1.004f, 1.0078125f}, {3.4028235e38f, inf},
                        {inf, inf},           {-inf, -inf},         {0.f, 0.f},
                        {-0.f, -0.f},         {1e-45f, 0.f}};
  tests::for_each_isa([&] {
    for (int64_t n : {1, 7, 16, 17, 100}) {
      const Tensor x({n}, DType::f32);
      for (int64_t i = 0; i < n; ++i) x.mutable_data<float>()[i] = rows[size_t(i) % rows.size()].from;
      const auto y = to(to(x, DType::bf16), DType::f32).to_vector<float>();
      for (size_t i = 0; i < size_t(n); ++i) {
        const float expected = rows[i % rows.size()].rounded;
        CHECK(std::bit_cast<uint32_t>(y[i]) == std::bit_cast<uint32_t>(expected));
      }
    }
    CHECK(std::isnan(to(to(full({3}, nan), DType::bf16), DType::f32).to_vector<float>()[2]));
  });
}

TEST_CASE("bf16: a linear layer and its gradients sum in f32") {
  struct Size {
    int64_t rows, in, out;
  };
  tests::for_each_isa([&] {
    for (const Size& s : {Size{1, 1, 1}, Size{3, 5, 7}, Size{64, 96, 288}, Size{130, 33, 17}, Size{2, 1000, 3},
                          Size{513, 64, 40}, Size{0, 4, 3}, Size{4, 0, 3}}) {
      INFO(kernels::name_of(kernels::active_isa()), " rows ", s.rows, " in ", s.in, " out ", s.out);
      const auto& [rows, in, out] = s;
      const Tensor x = bf16({rows, in}, 1), w = bf16({out, in}, 2), dy = bf16({rows, out}, 3);
      const Tensor bias = Generator(4).normal({out});
      const Tensor y = kernels::linear(x, w, bias);
      CHECK(y.dtype() == DType::f32);
      CHECK(relative_error(y, numbers(kernels::linear(f64(x), f64(w), f64(bias)))) < 1e-5);
      CHECK(relative_error(kernels::linear_backward_input(dy, w),
                           numbers(kernels::linear_backward_input(f64(dy), f64(w)))) < 1e-5);
      const Tensor dw = kernels::linear_backward_weight(dy, x);
      CHECK(dw.dtype() == DType::f32);
      const auto expected = numbers(kernels::linear_backward_weight(f64(dy), f64(x)));
      CHECK(relative_error(dw, expected) < 1e-5);
      const Tensor twice = kernels::to(dw, DType::f32);
      kernels::accumulate_linear_backward_weight(dy, x, twice);
      CHECK(relative_error(kernels::binary(kernels::Binary::sub, twice, dw), expected) < 2e-5);
    }
  });
}

TEST_CASE("bf16: a product that is rounded is the nearest to its sums in f32") {
  tests::for_each_isa([] {
    for (const auto& [rows, in, out] :
         {std::array<int64_t, 3>{1, 3, 1}, {70, 48, 33}, {3, 3000, 5}, {300, 64, 40}, {2, 0, 3}, {0, 2, 3}}) {
      const Tensor x = bf16({rows, in}, 1), w = bf16({out, in}, 2), bias = Generator(3).normal({out});
      const Tensor y = kernels::linear_rounded(x, w, bias), exact = kernels::linear(f64(x), f64(w), f64(bias));
      CHECK(y.dtype() == DType::bf16);
      const auto got = numbers(to(y, DType::f64)), want = numbers(exact);
      for (size_t i = 0; i < got.size(); ++i)
        CHECK(std::abs(got[i] - want[i]) <= std::abs(want[i]) / 256 + 1e-5 * std::sqrt(double(in)));
    }
  });
}

TEST_CASE("bf16: linear_gelu_tanh applies GELU to the rounded product, and its gradient is rounded") {
  tests::for_each_isa([] {
    const Tensor x = bf16({70, 48}, 1), w = bf16({33, 48}, 2), bias = Generator(3).normal({33});
    Tensor h;
    const Tensor y = kernels::linear_gelu_tanh(x, w, bias, &h);
    CHECK(y.dtype() == DType::bf16);
    CHECK(same_bits(h, kernels::linear_rounded(x, w, bias)));
    CHECK(same_bits(y, to(kernels::unary(kernels::Unary::gelu_tanh, to(h, DType::f32)), DType::bf16)));
    CHECK(same_bits(kernels::gelu_tanh_of(h), y));
    const Tensor dy = Generator(4).normal({70, 33}), dh({70, 33}, DType::bf16);
    const Tensor exact({70, 33}, DType::f64);
    const Tensor dbias = kernels::gelu_tanh_backward_bias(dy, h, dh);
    const Tensor exact_dbias = kernels::gelu_tanh_backward_bias(f64(dy), f64(h), exact);
    CHECK(relative_error(dbias, numbers(exact_dbias)) < 1e-5);
    CHECK(relative_error(to(dh, DType::f32), numbers(exact)) < .005);
  });
}

TEST_CASE("bf16: a group norm that is rounded is the nearest to that of f32, with its statistics") {
  tests::for_each_isa([] {
    for (const Shape& shape : {Shape{3, 8, 5, 7}, Shape{1, 4, 33}, Shape{2, 6}, Shape{0, 4, 3}})
      for (const bool silu : {false, true}) {
        const Shape channels{shape[1]};
        const Tensor x = Generator(1).normal(shape);
        const Tensor w = Generator(2).normal(channels), b = Generator(3).normal(channels);
        Tensor of_rounded, of_f32;
        const Tensor y = kernels::group_norm(x, 2, w, b, 1e-5, silu, &of_rounded, DType::bf16);
        CHECK(same_bits(y, to(kernels::group_norm(x, 2, w, b, 1e-5, silu, &of_f32), DType::bf16)));
        CHECK(same_bits(of_rounded, of_f32));
        CHECK(kernels::group_norm(f64(x), 2, f64(w), f64(b), 1e-5, silu, nullptr, DType::bf16).dtype() == DType::f64);
      }
  });
}

TEST_CASE("bf16: a gradient is rounded and its bias's gradient summed in one pass") {
  tests::for_each_isa([] {
    for (const Shape& shape : {Shape{3, 70, 33}, Shape{1, 1}, Shape{200, 16}, Shape{0, 5}, Shape{4, 0}}) {
      const Tensor dy = Generator(1).normal(shape);
      Tensor rounded;
      const Tensor sums = kernels::round_and_linear_backward_bias(dy, &rounded);
      CHECK(same_bits(rounded, to(dy, DType::bf16)));
      CHECK(relative_error(sums, numbers(kernels::linear_backward_bias(f64(dy)))) < 1e-5);
    }
  });
}

TEST_CASE("bf16: matrix products of every layout") {
  tests::for_each_isa([] {
    tests::Choices choices(5);
    for (int i = 0; i < 40; ++i) {
      const int64_t m = tests::choose(choices, 1, 40), n = tests::choose(choices, 1, 40),
                    k = tests::choose(choices, 1, 60), batch = tests::choose(choices, 1, 3);
      const Tensor a = tests::random_layout(choices, {batch, m, k}, DType::bf16);
      const Tensor b = tests::random_layout(choices, {k, n}, DType::bf16);
      INFO("m ", m, " n ", n, " k ", k, " strides ", to_text(a.strides()), " ", to_text(b.strides()));
      const Tensor y = kernels::matmul(a, b);
      CHECK(y.dtype() == DType::f32);
      CHECK(relative_error(y, numbers(kernels::matmul(f64(a), f64(b)))) < 1e-5);
    }
  });
}

TEST_CASE("bf16: attention and its gradient beside those of the same numbers in f64") {
  tests::for_each_isa([] {
    struct Size {
      int64_t batch, tokens, heads, size;
    };
    for (const Size& s : {Size{3, 49, 4, 24}, Size{1, 130, 2, 64}, Size{2, 64, 1, 8}, Size{2, 65, 2, 1},
                          Size{2, 1, 2, 5}, Size{1, 17, 3, 33}, Size{1, 70, 1, 72}, Size{2, 256, 2, 64}}) {
      INFO(kernels::name_of(kernels::active_isa()), " tokens ", s.tokens, " head size ", s.size);
      const auto& [batch, tokens, heads, size] = s;
      const Tensor qkv = bf16({batch, tokens, 3 * heads * size}, 1);
      const Tensor dy = Generator(2).normal({batch, tokens, heads * size});
      Tensor kept, exact_kept;
      const Tensor y = kernels::attention(qkv, heads, &kept);
      const Tensor exact = kernels::attention(f64(qkv), heads, &exact_kept);
      CHECK(y.dtype() == DType::bf16);
      CHECK(relative_error(to(y, DType::f32), numbers(exact)) < .01);
      const Tensor dqkv = kernels::attention_backward(dy, qkv, y, kept, heads);
      CHECK(dqkv.dtype() == DType::f32);
      CHECK(relative_error(dqkv, numbers(kernels::attention_backward(f64(dy), f64(qkv), exact, exact_kept, heads))) <
            .015);
    }
  });
}

TEST_CASE("bf16: attention with masks beside f32") {
  tests::for_each_isa([] {
    const Tensor q = bf16({2, 3, 70, 24}, 1), k = bf16({2, 3, 90, 24}, 2), v = bf16({2, 3, 90, 40}, 3);
    const Tensor dy = Generator(4).normal({2, 3, 70, 40});
    const Tensor padding = less(Generator(5).uniform({2, 1, 1, 90}), scalar(.7));
    const Tensor some = less(Generator(6).uniform({2, 3, 70, 90}), scalar(.7));
    const Tensor added = Generator(7).normal({2, 3, 70, 90});
    for (const Tensor& mask : {Tensor(), padding, some, added})
      for (const bool causal : {false, true}) {
        const auto run = [&](DType dtype) {
          const kernels::AttentionOperands in{to(q, dtype), to(k, dtype), to(v, dtype), mask, causal};
          Tensor sums;
          const Tensor y = kernels::scaled_dot_product_attention(in, &sums);
          const auto g = kernels::scaled_dot_product_attention_backward(in, y, sums, dy);
          return std::vector<Tensor>{y, g.q, g.k, g.v};
        };
        const auto half = run(DType::bf16), full = run(DType::f32);
        for (size_t i = 0; i < half.size(); ++i) {
          CHECK(half[i].dtype() == (i == 0 ? DType::bf16 : DType::f32));
          CHECK(relative_error(to(half[i], DType::f32), numbers(full[i])) < .015);
        }
      }
  });
}

TEST_CASE("bf16: a key that nobody sees may be infinite, whether the keys in sight are even or odd in number") {
  tests::for_each_isa([] {
    const Tensor q = bf16({1, 1, 100, 16}, 1), k = bf16({1, 1, 100, 16}, 2), v = bf16({1, 1, 100, 16}, 3);
    const Tensor mask({1, 1, 1, 100}, DType::boolean);
    for (int64_t j = 0; j < 100; ++j) mask.mutable_data<bool>()[j] = j == 0 || j == 70 || j == 71;
    for (const Tensor& spoilt : {k, v}) {
      const bfloat16 before = spoilt.data<bfloat16>()[70 * 16];
      spoilt.mutable_data<bfloat16>()[70 * 16] = bfloat16(INFINITY);
      Tensor sums;
      const kernels::AttentionOperands in{q, k, v, mask, true};
      const Tensor y = kernels::scaled_dot_product_attention(in, &sums);
      const Tensor dy = Generator(4).normal({1, 1, 100, 16});
      const auto g = kernels::scaled_dot_product_attention_backward(in, y, sums, dy);
      // The first tile of queries has key 0 alone in sight.
      CHECK(kernels::all_finite(views::slice(y, 2, 0, 64, 1)));
      CHECK(kernels::all_finite(views::slice(g.q, 2, 0, 64, 1)));
      spoilt.mutable_data<bfloat16>()[70 * 16] = before;
    }
  });
}

TEST_CASE("bf16: with one key the scores have no gradient") {
  tests::for_each_isa([] {
    const Tensor q = bf16({1, 2, 9, 24}, 1), k = bf16({1, 2, 1, 24}, 2), v = bf16({1, 2, 1, 24}, 3);
    const kernels::AttentionOperands in{q, k, v, {}, false};
    Tensor sums;
    const Tensor y = kernels::scaled_dot_product_attention(in, &sums);
    const auto g = kernels::scaled_dot_product_attention_backward(in, y, sums, Generator(4).normal({1, 2, 9, 24}));
    for (const double x : numbers(g.q)) CHECK(std::abs(x) < 1e-5);
    for (const double x : numbers(g.k)) CHECK(std::abs(x) < 1e-5);
  });
}

TEST_CASE("bf16: NaN and infinity come through products") {
  tests::for_each_isa([] {
    const float inf = std::numeric_limits<float>::infinity();
    const Tensor x = to(ones({2, 20}), DType::bf16), w = to(ones({3, 20}), DType::bf16);
    x.mutable_data<bfloat16>()[0] = bfloat16(inf);
    x.mutable_data<bfloat16>()[21] = bfloat16(NAN);
    const auto y = kernels::linear(x, w, {}).to_vector<float>();
    CHECK(y[0] == inf);
    CHECK(std::isnan(y[3]));
  });
}

TEST_CASE("bf16: the bits of products do not depend on the number of threads") {
  tests::for_each_isa([] {
    const Tensor x = bf16({517, 96}, 1), w = bf16({384, 96}, 2), dy = bf16({517, 384}, 3), bias = zeros({384});
    const Tensor qkv = bf16({3, 70, 3 * 48}, 4), da = Generator(5).normal({3, 70, 48});
    std::vector<Tensor> first;
    tests::for_each_thread_count([&] {
      Tensor kept;
      const Tensor a = kernels::attention(qkv, 2, &kept);
      const std::vector<Tensor> now{kernels::linear(x, w, bias),
                                    kernels::linear_backward_input(dy, w),
                                    kernels::linear_backward_weight(dy, x),
                                    kernels::linear_gelu_tanh(x, w, bias, nullptr),
                                    a,
                                    kernels::attention_backward(da, qkv, a, kept, 2)};
      if (first.empty()) first = now;
      for (size_t i = 0; i < now.size(); ++i) CHECK(same_bits(now[i], first[i]));
    });
  });
}

TEST_CASE("bf16: packed weights give what the ordinary product gives") {
  tests::for_each_isa([] {
    for (const int64_t rows : {1, 5, 16, 100}) {
      const Tensor x = Generator(1).normal({rows, 70}), w = Generator(2).normal({2048, 70});
      const Tensor b = Generator(3).normal({2048});
      const kernels::PackedLinear packed(w, b, kernels::Precision::bf16);
      const Tensor expected = kernels::linear(to(x, DType::bf16), to(w, DType::bf16), b);
      CHECK(relative_error(kernels::linear(x, packed), numbers(expected)) < 1e-5);
    }
    const Tensor x = Generator(1).normal({9, 32});
    const Tensor w1 = Generator(2).normal({64, 32}), w2 = Generator(3).normal({5, 64});
    const kernels::PackedLinear fc1(w1, {}, kernels::Precision::bf16), fc2(w2, {}, kernels::Precision::bf16);
    const Tensor h = kernels::unary(kernels::Unary::gelu_tanh, kernels::linear(x, fc1));
    CHECK(relative_error(kernels::mlp(x, fc1, fc2), numbers(kernels::linear(h, fc2))) < .005);
  });
}

TEST_CASE("bf16: a weight in f32 is read as its nearest bf16") {
  tests::for_each_isa([] {
    const Tensor x = bf16({70, 48}, 1), dy = bf16({70, 33}, 2), w = Generator(3).normal({33, 48});
    const Tensor rounded = to(w, DType::bf16), bias = Generator(4).normal({33});
    CHECK(same_bits(kernels::linear(x, w, bias), kernels::linear(x, rounded, bias)));
    CHECK(same_bits(kernels::linear_rounded(x, w, bias), kernels::linear_rounded(x, rounded, bias)));
    CHECK(same_bits(kernels::linear_gelu_tanh(x, w, bias, nullptr),
                    kernels::linear_gelu_tanh(x, rounded, bias, nullptr)));
    CHECK(same_bits(kernels::linear_backward_input(dy, w), kernels::linear_backward_input(dy, rounded)));
    CHECK(
        same_bits(kernels::linear_backward_input(dy, w, true), to(kernels::linear_backward_input(dy, w), DType::bf16)));
  });
}

TEST_CASE("bf16: the gradients of GELU and of a bias are those of the widened gradient") {
  tests::for_each_isa([] {
    for (const int64_t rows : {1, 64, 130}) {
      const Tensor h = bf16({rows, 33}, 1), dy = bf16({rows, 33}, 2), wide = to(dy, DType::f32);
      const Tensor of_rounded(h.shape(), DType::bf16), of_wide(h.shape(), DType::bf16);
      CHECK(same_bits(kernels::gelu_tanh_backward_bias(dy, h, of_rounded),
                      kernels::gelu_tanh_backward_bias(wide, h, of_wide)));
      CHECK(same_bits(of_rounded, of_wide));
      const Tensor sums = kernels::linear_backward_bias(dy);
      CHECK(sums.dtype() == DType::f32);
      CHECK(relative_error(sums, numbers(kernels::linear_backward_bias(f64(dy)))) < 1e-5);
    }
  });
}

TEST_CASE("bf16: operands of two dtypes are refused with both named") {
  const Tensor x = bf16({2, 3}, 1), w = Generator(2).normal({4, 3});
  const auto message = [&](const Tensor& weight, const Tensor& bias) {
    return tests::message_of<DTypeError>([&] { static_cast<void>(kernels::linear(x, weight, bias)); });
  };
  CHECK(message(to(w, DType::f64), {}).find("x is bf16, weight is f64") != std::string::npos);
  CHECK(message(to(w, DType::bf16), to(zeros({4}), DType::bf16)).find("bias is bf16; it must be f32") !=
        std::string::npos);
  CHECK_THROWS_AS(static_cast<void>(kernels::matmul(to(x, DType::f16), to(w, DType::f16).transpose(0, 1))), DTypeError);
}

}  // namespace ditharos::test_bf16_products
