// Outputs that are recomputed instead of being kept, gradients that are accumulated in place, and operations that are
// computed in one pass.
#include <doctest/doctest.h>

#include <ditharos/autograd/engine.h>
#include <ditharos/autograd/grad_mode.h>
#include <ditharos/autograd/node.h>
#include <ditharos/autograd/ops.h>
#include <ditharos/tensor/allocator.h>
#include <ditharos/tensor/factory.h>
#include <ditharos/tensor/kernels/pointwise/pointwise.h>
#include <ditharos/tensor/random.h>
#include "tests/support/tensor_cases.h"

namespace ditharos::test_rematerialization {

using tests::message_of;
using tests::same_bits;

namespace {

Tensor parameter(const Shape& shape, uint64_t seed) { return Generator(seed).normal(shape).set_requires_grad(); }

/// The same values behind an operation that gives no rematerialization, so that the next one has to keep them.
Tensor kept(const Tensor& y) { return y * 1.0; }

using Layer = Tensor (*)(const Tensor& x, const Tensor& shift, const Tensor& scale);

/// Gradient of a linear layer's weight behind `layer`, whose output it reads again in its backward pass.
Tensor weight_gradient(Layer layer, bool keep) {
  const Tensor x = parameter({3, 37, 19}, 1), shift = parameter({3, 19}, 2), scale = parameter({3, 19}, 3);
  const Tensor w = parameter({23, 19}, 4), y = layer(x, shift, scale);
  sum(square(linear(keep ? kept(y) : y, w))).backward();
  return w.grad();
}

}  // namespace

TEST_CASE("rematerialization: recomputed values have the bits of the original ones") {
  const Layer layers[] = {
      [](const Tensor& x, const Tensor&, const Tensor&) { return gelu_tanh(x); },
      [](const Tensor& x, const Tensor&, const Tensor&) { return gelu(x); },
      [](const Tensor& x, const Tensor&, const Tensor&) { return silu(x); },
      [](const Tensor& x, const Tensor&, const Tensor&) { return layer_norm(x); },
      [](const Tensor& x, const Tensor& shift, const Tensor& scale) { return layer_norm_modulate(x, shift, scale); },
      [](const Tensor& x, const Tensor& shift, const Tensor& scale) {
        return gated_residual_norm(x, shift, x, shift, scale).normalized;
      },
      [](const Tensor& x, const Tensor&, const Tensor&) {
        return linear_gelu_tanh(x, parameter({19, 19}, 5), parameter({19}, 6));
      },
  };
  tests::for_each_isa([&] {
    for (const Layer layer : layers) CHECK(same_bits(weight_gradient(layer, false), weight_gradient(layer, true)));
  });
}

TEST_CASE("rematerialization: the output's memory is freed when it has no other handle") {
  const Tensor x = parameter({1 << 16}, 1), w = ones({1 << 16}).set_requires_grad();
  const size_t before = allocator_stats().live, bytes = size_t(1) << 18;
  const Tensor y = gelu_tanh(x) * w;  // saves the GELU's input and output, and the product's factor
  const size_t with_recompute = allocator_stats().live - before;
  const Tensor z = kept(gelu_tanh(x)) * w;
  const size_t with_output = allocator_stats().live - before - with_recompute;
  CHECK(with_recompute == bytes);  // y
  CHECK(with_output == 2 * bytes);
}

TEST_CASE("rematerialization: a write to its inputs is detected as for saved tensors") {
  const Tensor x = parameter({4}, 1), w = parameter({4}, 2);
  const Tensor y = sum(gelu_tanh(x) * w);
  {
    NoGrad off;
    kernels::scale_in_place(x, 2);
  }
  CHECK(message_of<AutogradError>([&] { grad(y, w); }) ==
        "[mul] the saved input 0 of shape [4] was modified in place after the forward pass (version 2, saved at 1)");
}

TEST_CASE("rematerialization: a graph of which the producer was freed still gives what does not pass through it") {
  const Tensor x = parameter({4}, 1), w = parameter({4}, 2);
  const Tensor h = gelu_tanh(x);
  const Tensor first = sum(h * w), second = sum(h * w);
  first.backward();
  const Tensor w_gradient = grad(second, w);
  CHECK(same_bits(w_gradient, w.grad()));
  CHECK(message_of<AutogradError>([&] { second.backward(); }) != "");
}

TEST_CASE("rematerialization: the second derivative goes through the operation that is computed again") {
  const Tensor x = parameter({5}, 1), w = parameter({5}, 2);
  const auto mixed = [&](bool keep) {  // d/dx of d/dw sum((gelu(x) w)^2)
    const Tensor h = gelu_tanh(x);
    const Tensor loss = sum(square((keep ? kept(h) : h) * w));
    return grad(sum(grad(loss, w, {}, {.create_graph = true})), x);
  };
  CHECK(same_bits(mixed(false), mixed(true)));
}

TEST_CASE("gradients of a weight are accumulated in place, with the same bits as separately") {
  const Tensor w = parameter({17, 13}, 1), x = parameter({8, 13}, 2), z = parameter({9, 13}, 3);
  const auto loss = [&](const Tensor& in) { return sum(square(linear(in, w))); };
  const Tensor of_x = grad(loss(x), w), of_z = grad(loss(z), w);
  loss(x).backward();
  const void* memory = w.grad().data<float>();
  loss(z).backward();
  CHECK(w.grad().data<float>() == memory);
  const auto got = w.grad().to_vector<float>(), want = (of_x + of_z).to_vector<float>();
  for (size_t i = 0; i < got.size(); ++i) CHECK(got[i] == doctest::Approx(want[i]).epsilon(1e-5));

  SUBCASE("a gradient that somebody else holds stays as it is") {
    const Tensor held = w.grad();
    const auto before = held.to_vector<float>();
    loss(x).backward();
    CHECK(held.to_vector<float>() == before);
    CHECK(w.grad().to_vector<float>() != before);
  }
  SUBCASE("a hook sees one pass's contribution alone") {
    Tensor seen;
    register_hook(w, [&](const Tensor& g) {
      seen = g;
      return Tensor{};
    });
    loss(x).backward();
    CHECK(same_bits(seen, of_x));
  }
}

TEST_CASE("a gated residual and the norm behind it: in one pass as one after the other") {
  const auto run = [](bool at_once) {
    const Tensor x = parameter({3, 7, 21}, 1), y = parameter({3, 7, 21}, 2);
    const Tensor gate = parameter({3, 21}, 3), shift = parameter({3, 21}, 4), scale = parameter({3, 21}, 5);
    GatedNorm out;
    if (at_once) {
      out = gated_residual_norm(x, gate, y, shift, scale);
    } else {
      out.residual = gated_residual(x, gate, y);
      out.normalized = layer_norm_modulate(out.residual, shift, scale);
    }
    sum(square(gated_residual(out.residual, gate, out.normalized))).backward();
    return std::vector<Tensor>{out.residual, out.normalized, x.grad(),    y.grad(),
                               gate.grad(),  shift.grad(),   scale.grad()};
  };
  tests::for_each_isa([&] {
    const auto got = run(true), want = run(false);
    for (size_t i = 0; i < got.size(); ++i) CHECK(same_bits(got[i], want[i]));
  });
  CHECK(message_of<ShapeError>([] {
          gated_residual_norm(zeros({1, 2, 3}), zeros({1, 3}), zeros({1, 2, 3}), zeros({1, 2}), zeros({1, 3}));
        }) == "[gated_residual_norm] needs x [B, T, D] and shift [B, D], got [1, 2, 3] and [1, 2]");
}

}  // namespace ditharos::test_rematerialization
