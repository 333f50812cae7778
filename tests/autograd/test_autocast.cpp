// Mixed precision: products of rounded operands, f32 everywhere else.
#include <cmath>
#include <functional>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include <ditharos/autograd/autocast.h>
#include <ditharos/autograd/checkpoint.h>
#include <ditharos/autograd/engine.h>
#include <ditharos/autograd/functional.h>
#include <ditharos/autograd/grad_mode.h>
#include <ditharos/autograd/inspect/non_finite.h>
#include <ditharos/autograd/ops.h>
#include <ditharos/autograd/ops/reduced.h>
#include <ditharos/nn/attention.h>
#include <ditharos/nn/conv.h>
#include <ditharos/nn/group_norm.h>
#include <ditharos/nn/hooks.h>
#include <ditharos/nn/inference.h>
#include <ditharos/nn/mlp.h>
#include <ditharos/nn/state_dict.h>
#include <ditharos/optim/muon.h>
#include <ditharos/tensor/allocator.h>
#include <ditharos/tensor/kernels/copy/copy.h>
#include <ditharos/tensor/random.h>
#include "tests/support/message_of.h"
#include "tests/support/relative_error.h"
#include "tests/support/tensor_cases.h"

using namespace ditharos;
using tests::relative_error;
using tests::same_bits;

namespace {

/// Bytes that f's result keeps for its backward pass. On one thread: another one that first takes a task makes scratch
/// memory of its own.
double bytes_kept(const std::function<Tensor()>& f) {
  const tests::RestoreSettings restore;
  set_num_threads(1);
  static_cast<void>(f());  // memory that kernels keep for themselves
  const size_t before = allocator_stats().live;
  const Tensor y = f();
  return double(allocator_stats().live - before - size_t(y.numel()) * 4);
}

Tensor parameter(const Shape& shape, uint64_t seed) {
  return (Generator(seed).normal(shape) * .5).detach().set_requires_grad();
}
/// |a - b| / |b|, of all elements.
double distance(const Tensor& a, const Tensor& b) {
  const NoGrad off;
  const Tensor x = kernels::to(a, DType::f64), y = kernels::to(b, DType::f64);
  return std::sqrt(sum(square(x - y)).item() / sum(square(y)).item());
}
/// The nearest bf16 as f32.
Tensor rounded(const Tensor& x) { return kernels::to(kernels::to(x, DType::bf16), DType::f32); }

using Function = std::function<Tensor(const std::vector<Tensor>&)>;
struct Named {
  const char* name;
  Function f;
  std::vector<Shape> shapes;
};

std::vector<Named> products() {
  return {
      {"linear", [](const auto& in) { return linear(in[0], in[1], in[2]); }, {{9, 20}, {7, 20}, {7}}},
      {"linear of 3 axes", [](const auto& in) { return linear(in[0], in[1]); }, {{2, 9, 20}, {7, 20}}},
      {"linear_gelu_tanh",
       [](const auto& in) { return linear_gelu_tanh(in[0], in[1], in[2]); },
       {{9, 20}, {7, 20}, {7}}},
      {"matmul", [](const auto& in) { return matmul(in[0], in[1]); }, {{3, 4, 20}, {20, 5}}},
      {"matmul of a vector", [](const auto& in) { return matmul(in[0], in[1]); }, {{4, 20}, {20}}},
      {"attention", [](const auto& in) { return attention(in[0], 2); }, {{2, 30, 3 * 16}}},
      {"scaled_dot_product_attention",
       [](const auto& in) { return scaled_dot_product_attention(in[0], in[1], in[2], {}, true); },
       {{2, 2, 30, 8}, {2, 2, 30, 8}, {2, 2, 30, 8}}},
      {"conv1d", [](const auto& in) { return conv1d(in[0], in[1], in[2], 2, 1); }, {{2, 3, 17}, {5, 3, 3}, {5}}},
      {"conv2d", [](const auto& in) { return conv2d(in[0], in[1], in[2], 1, 1); }, {{2, 6, 7, 8}, {5, 6, 3, 3}, {5}}},
      {"conv2d in groups, without bias",
       [](const auto& in) { return conv2d(in[0], in[1], {}, {2, 1}, 1, 1, 2); },
       {{2, 6, 7, 8}, {4, 3, 3, 3}}},
      {"conv3d",
       [](const auto& in) { return conv3d(in[0], in[1], in[2], 1, 1); },
       {{1, 3, 4, 5, 4}, {5, 3, 3, 3, 3}, {5}}},
      {"conv_transpose1d",
       [](const auto& in) { return conv_transpose1d(in[0], in[1], in[2], 2); },
       {{2, 6, 9}, {6, 4, 3}, {4}}},
      {"conv_transpose2d",
       [](const auto& in) { return conv_transpose2d(in[0], in[1], in[2], 2, 1, 1); },
       {{2, 6, 5, 4}, {6, 4, 3, 3}, {4}}},
      {"conv_transpose3d",
       [](const auto& in) { return conv_transpose3d(in[0], in[1]); },
       {{1, 3, 3, 4, 3}, {3, 4, 2, 2, 2}}},
      {"conv2d of a group norm",
       [](const auto& in) { return conv2d(reduced::group_norm_silu(in[0], 2, in[1], in[2]), in[3], in[4], 1, 1); },
       {{2, 6, 7, 8}, {6}, {6}, {5, 6, 3, 3}, {5}}},
  };
}

std::vector<Tensor> parameters(const Named& row) {
  std::vector<Tensor> in;
  for (size_t i = 0; i < row.shapes.size(); ++i) in.push_back(parameter(row.shapes[i], i + 1));
  return in;
}

}  // namespace

TEST_CASE("Autocast: results, gradients and parameters stay f32, and differ from those of f32 by rounding alone") {
  for (const Named& row : products()) {
    INFO(std::string(row.name));
    const std::vector<Tensor> in = parameters(row);
    const Tensor exact = row.f(in);
    const Tensor weight = Generator(9).normal(exact.shape());
    const auto exact_gradients = grad({exact}, in, {weight});
    Tensor y;
    std::vector<Tensor> gradients;
    {
      const Autocast half(DType::bf16);
      y = row.f(in);
    }
    gradients = grad({y}, in, {weight});  // outside: in the precision of the forward pass
    CHECK(y.dtype() == DType::f32);
    CHECK_FALSE(same_bits(y, exact));
    CHECK(distance(y, exact) < .01);
    for (size_t i = 0; i < in.size(); ++i) {
      CHECK(in[i].dtype() == DType::f32);
      CHECK(gradients[i].dtype() == DType::f32);
      CHECK(distance(gradients[i], exact_gradients[i]) < .015);
    }
  }
}

TEST_CASE("Autocast: a product of numbers that bf16 has is that of f32, and its gradients too") {
  const Tensor x = rounded(Generator(1).normal({9, 20})).set_requires_grad();
  const Tensor w = rounded(Generator(2).normal({7, 20})).set_requires_grad();
  const Tensor b = parameter({7}, 3), weight = rounded(Generator(4).normal({9, 7}));
  const auto exact = grad({linear(x, w, b)}, {x, w, b}, {weight});
  const Autocast half(DType::bf16);
  const Tensor y = linear(x, w, b);
  CHECK(relative_error(y, linear(kernels::to(x, DType::f64), kernels::to(w, DType::f64), kernels::to(b, DType::f64))
                              .to_vector<double>()) < 1e-6);
  const auto gradients = grad({y}, {x, w, b}, {weight});
  for (size_t i = 0; i < 3; ++i) CHECK(relative_error(gradients[i], exact[i].to_vector<double>()) < 1e-6);
}

TEST_CASE("Autocast: a convolution of numbers that bf16 has is that of f32, and its gradients too") {
  const Tensor x = rounded(Generator(1).normal({3, 6, 7, 8})).set_requires_grad();
  const Tensor w = rounded(Generator(2).normal({5, 6, 3, 3})).set_requires_grad();
  const Tensor back = rounded(Generator(3).normal({5, 6, 4, 4})).set_requires_grad(), b = parameter({5}, 4);
  const auto results = [&](DType dtype) {
    const Autocast scope(dtype);
    const Tensor first = conv2d(x, w, b, 1, 1), second = conv_transpose2d(rounded(first.detach()), back, {}, 2, 1);
    std::vector<Tensor> all = grad({first}, {x, w, b}, {rounded(Generator(5).normal(first.shape()))});
    all.push_back(first);
    all.push_back(grad(second, back, rounded(Generator(6).normal(second.shape()))));
    all.push_back(second);
    return all;
  };
  const auto exact = results(DType::f32), half = results(DType::bf16);
  for (size_t i = 0; i < exact.size(); ++i)
    CHECK(relative_error(half[i].detach(), exact[i].to_vector<double>()) < 2e-6);
}

TEST_CASE("Autocast: scopes nest, f32 switches it off, f64 is left alone, and it ends with its scope") {
  const Tensor x = Generator(1).normal({5, 30}), w = Generator(2).normal({4, 30});
  const Tensor exact = linear(x, w);
  {
    const Autocast half(DType::bf16);
    CHECK(autocast_dtype() == DType::bf16);
    CHECK_FALSE(same_bits(linear(x, w), exact));
    {
      const Autocast off(DType::f32);
      CHECK(same_bits(linear(x, w), exact));
    }
    CHECK_FALSE(same_bits(linear(x, w), exact));
    const Tensor a = kernels::to(x, DType::f64), b = kernels::to(w, DType::f64);
    CHECK(linear(a, b).dtype() == DType::f64);
    CHECK(relative_error(linear(a, b), exact.to_vector<double>()) < 1e-6);
  }
  CHECK(autocast_dtype() == DType::f32);
  CHECK(same_bits(linear(x, w), exact));
  CHECK(tests::message_of<DTypeError>([] { const Autocast scope(DType::f16); }) ==
        "[Autocast] products read bf16 or f32, got f16");
}

TEST_CASE("Autocast: second derivatives and forward mode") {
  for (const Named& row : products()) {
    INFO(std::string(row.name));
    const std::vector<Tensor> in = parameters(row);
    const auto gradient_of_gradient = [&] {
      const Tensor y = row.f(in);
      const Tensor first = grad({sum(square(y))}, in, {}, {.create_graph = true})[0];
      return grad({sum(square(first))}, in)[0];
    };
    const Tensor exact = gradient_of_gradient();
    const auto tangent = [&] {
      std::vector<Tensor> directions;
      for (const Tensor& x : in) directions.push_back(Generator(20).normal(x.shape()));
      return jvp(row.f, in, directions).tangent;
    };
    const auto exact_tangent = tangent();
    const Autocast half(DType::bf16);
    CHECK(distance(gradient_of_gradient(), exact) < .03);
    CHECK(distance(tangent(), exact_tangent) < .015);
  }
}

TEST_CASE("Autocast: a checkpoint computes again in the precision of its forward pass") {
  const Tensor x = parameter({9, 20}, 1), w = parameter({7, 20}, 2);
  const auto block = [](const std::vector<Tensor>& in) { return linear_gelu_tanh(in[0], in[1]); };
  std::vector<Tensor> kept, again;
  {
    const Autocast half(DType::bf16);
    kept = grad({sum(block({x, w}))}, {x, w});
  }
  Tensor y;
  {
    const Autocast half(DType::bf16);
    y = sum(checkpoint(block, {x, w}, {}));
  }
  again = grad({y}, {x, w});
  for (size_t i = 0; i < 2; ++i) CHECK(same_bits(again[i], kept[i]));
}

TEST_CASE("Autocast: activations are kept for the backward pass in bf16") {
  Generator rng(1);
  nn::Mlp mlp(256, 1024, rng);
  nn::Attention attention({.width = 256, .heads = 4}, rng);
  const Tensor x = parameter({2, 512, 256}, 2);
  const std::function<Tensor()> of_mlp = [&] { return mlp(x); }, of_attention = [&] { return attention(x); };
  const double mlp_f32 = bytes_kept(of_mlp), attention_f32 = bytes_kept(of_attention);
  const Autocast half(DType::bf16);
  CHECK(bytes_kept(of_mlp) < .8 * mlp_f32);  // h, and x rounded where f32 needed no copy
  CHECK(bytes_kept(of_attention) < .7 * attention_f32);
}

TEST_CASE("Autocast: convolutions keep their operands in bf16, and a group norm before one is rounded once") {
  Generator rng(1);
  nn::GroupNorm norm(8, 32);
  nn::Conv2d conv(32, 32, 3, 1, 1, rng);
  const Tensor x = parameter({4, 32, 32, 32}, 2);
  const auto direct = [&] { return conv(norm.with_silu_reduced(x)); };
  const double in_f32 = bytes_kept(direct);
  CHECK(norm.with_silu_reduced(x).dtype() == DType::f32);
  const Autocast half(DType::bf16);
  CHECK(bytes_kept(direct) < .6 * in_f32);
  CHECK(norm.with_silu(x).dtype() == DType::f32);
  CHECK(norm.with_silu_reduced(x).dtype() == DType::bf16);
  const std::vector<Tensor> leaves{x, norm.weight, norm.bias, conv.weight, conv.bias};
  const Tensor y = direct(), other = conv(norm.with_silu(x)), weight = Generator(3).normal(y.shape());
  CHECK(same_bits(y.detach(), other.detach()));
  const auto a = grad({y}, leaves, {weight}), b = grad({other}, leaves, {weight});
  for (size_t i = 0; i < leaves.size(); ++i) CHECK(same_bits(a[i], b[i]));
}

TEST_CASE("Autocast: inference packs weights in bf16") {
  Generator rng(1);
  nn::Mlp mlp(32, 64, rng);
  const Tensor x = rng.normal({9, 32});
  const Autocast half(DType::bf16);
  Tensor ordinary;
  {
    const NoGrad off;
    ordinary = mlp(x);
  }
  const nn::InferenceMode inference;
  CHECK(distance(mlp(x), ordinary) < .005);
  const Autocast full(DType::f32);
  CHECK_FALSE(same_bits(mlp(x), ordinary));
}

TEST_CASE("Autocast: gradients of a step have the same bits at every thread count") {
  Generator rng(1);
  nn::Mlp mlp(48, 96, rng);
  nn::Attention attention({.width = 48, .heads = 2}, rng);
  const Tensor x = Generator(2).normal({3, 70, 48});
  std::vector<Tensor> first;
  tests::for_each_thread_count([&] {
    const Autocast half(DType::bf16);
    std::vector<Tensor> wanted;
    for (const auto& [name, tensor] : nn::named_parameters(mlp)) wanted.push_back(tensor);
    for (const auto& [name, tensor] : nn::named_parameters(attention)) wanted.push_back(tensor);
    const auto gradients = grad({sum(square(x + mlp(attention(x))))}, wanted);
    if (first.empty()) first = gradients;
    for (size_t i = 0; i < gradients.size(); ++i) CHECK(same_bits(gradients[i], first[i]));
  });
}

TEST_CASE("Autocast: the search for numbers that are not finite sees results in bf16") {
  Generator rng(1);
  nn::Mlp mlp(8, 16, rng);
  const Tensor huge = (Generator(2).normal({4, 8}) * 1e20).detach();
  for (const nn::NamedTensor& p : nn::named_parameters(mlp))
    if (p.name == "fc1.weight") kernels::fill(p.tensor, 1e30);
  const Autocast half(DType::bf16);
  const NonFiniteSearch search;
  static_cast<void>(mlp(huge));
  CHECK(search.found() == "linear_gelu_tanh, of shape [4, 16]");
}

TEST_CASE("Autocast: a graph that was recorded in f32 has the gradients of f32 inside of a scope") {
  const auto through_checkpoint = [](const auto& in) {
    return checkpoint([](const std::vector<Tensor>& x) { return matmul(x[0], x[1]); }, {in[0], in[1]}, {});
  };
  std::vector<Named> rows = products();
  rows.push_back({"checkpoint", through_checkpoint, {{4, 20}, {20, 5}}});
  for (const Named& row : rows) {
    INFO(std::string(row.name));
    const std::vector<Tensor> in = parameters(row);
    const Tensor y = row.f(in), weight = Generator(9).normal(y.shape());
    for (const bool create_graph : {false, true}) {
      const BackwardOptions options{.retain_graph = true, .create_graph = create_graph};
      const auto outside = grad({y}, in, {weight}, options);
      const Autocast half(DType::bf16);
      const auto inside = grad({y}, in, {weight}, options);
      for (size_t i = 0; i < in.size(); ++i) CHECK(same_bits(inside[i].detach(), outside[i].detach()));
    }
  }
}

TEST_CASE("Autocast: Muon's directions are those of f32") {
  const Tensor x = Generator(1).normal({24, 40});
  const Tensor exact = optim::orthogonalize(x);
  const Autocast half(DType::bf16);
  CHECK(same_bits(optim::orthogonalize(x), exact));
}

namespace {
/// A block of a transformer, of x [3, T, D] and the vectors [6, 3, D] that modulate it.
Tensor branch(const Tensor& x, const nn::Attention& attention, const nn::Mlp& mlp, const Tensor& vectors) {
  const auto row = [&](int64_t i) { return select(vectors, 0, i); };
  const Tensor read = attention.reduced(reduced::layer_norm_modulate(x, row(0), row(1)));
  const GatedNorm both = reduced::gated_residual_norm(x, row(2), read, row(3), row(4));
  return gated_residual(both.residual, row(5), mlp.reduced(both.normalized));
}
}  // namespace

TEST_CASE("Autocast: gradients between products are bf16, and close to those of f32 and of a recorded backward pass") {
  Generator rng(1);
  nn::Mlp mlp(48, 96, rng);
  nn::Attention attention({.width = 48, .heads = 2}, rng);
  std::vector<Tensor> wanted{parameter({3, 20, 48}, 2), parameter({6, 3, 48}, 3)};
  for (const auto& [name, tensor] : nn::named_parameters(mlp)) wanted.push_back(tensor);
  for (const auto& [name, tensor] : nn::named_parameters(attention)) wanted.push_back(tensor);
  const Tensor weight = Generator(4).normal({3, 20, 48});
  const auto gradients = [&](DType dtype, bool create_graph) {
    const Autocast precision(dtype);
    return grad({branch(wanted[0], attention, mlp, wanted[1])}, wanted, {weight}, {.create_graph = create_graph});
  };
  const auto exact = gradients(DType::f32, false), half = gradients(DType::bf16, false);
  const auto with_graph = gradients(DType::bf16, true);
  for (size_t i = 0; i < wanted.size(); ++i) {
    INFO(i, " of shape ", wanted[i].shape());
    CHECK(half[i].dtype() == DType::f32);
    CHECK_FALSE(same_bits(half[i], exact[i]));
    CHECK(distance(half[i], exact[i]) < .02);
    CHECK(distance(half[i], with_graph[i].detach()) < .02);
  }
}

TEST_CASE("Autocast: what a program sees of a gradient in bf16 is f32") {
  const Tensor w1 = parameter({16, 8}, 1), w2 = parameter({4, 16}, 2);
  const Autocast half(DType::bf16);
  const Tensor h = reduced::linear(Generator(3).normal({5, 8}), w1);
  CHECK(h.dtype() == DType::bf16);
  const Tensor y = linear(h, w2), seed = Generator(4).normal({5, 4});
  // A result, a hook and the sum of two gradients.
  const Tensor of_h = grad(y, h, seed, {.retain_graph = true});
  CHECK(of_h.dtype() == DType::f32);
  std::vector<Tensor> seen;
  register_hook(h, [&](const Tensor& g) { return seen.push_back(g), Tensor{}; });
  const Tensor direct = grad(y, w1, seed, {.retain_graph = true});
  REQUIRE(seen.size() == 1);
  CHECK((seen[0].dtype() == DType::f32 && same_bits(seen[0], of_h)));
  CHECK(same_bits(of_h, rounded(of_h)));  // one product computed it
  const Tensor twice = grad(linear(h, w2) + linear(h, w2), h, seed, {.retain_graph = true});
  CHECK(same_bits(twice, of_h + of_h));
  const Tensor both = grad(linear(h, w2) + reshape(linear(reshape(h, {1, 5, 16}), w2), {5, 4}), w1, seed);
  CHECK(distance(both, direct * 2.0) < .005);
}

TEST_CASE("Autocast: a weight's gradient is added to the one that it has, and no copy of the weight is kept") {
  const Tensor w = parameter({64, 64}, 1), x = Generator(2).normal({8, 64});
  const Autocast half(DType::bf16);
  backward(sum(linear(x, w)));
  const float* address = w.grad().data<float>();
  backward(sum(linear(x, w)));
  CHECK(w.grad().data<float>() == address);
  const size_t before = allocator_stats().live;
  const Tensor y = linear(x, w);
  CHECK(allocator_stats().live - before < 64 * 64 * 2);  // y, and x in bf16
}
