// Writes to tensors between the forward and the backward pass: the right gradient or an error, never another gradient.
#include <cstdio>

#include <ditharos/autograd/engine.h>
#include <ditharos/autograd/grad_mode.h>
#include <ditharos/autograd/node.h>
#include <ditharos/autograd/ops.h>
#include <ditharos/tensor/random.h>
#include <doctest/doctest.h>
#include "tests/op_table/op_write_checks.h"
#include "tests/support/tensor_cases.h"

namespace ditharos::test_writes {

using tests::message_of;

namespace {

void write_first(const Tensor& x, float value) { x.mutable_data<float>()[0] = value; }
Tensor parameter(const Shape& shape, uint64_t seed) { return Generator(seed).normal(shape).set_requires_grad(); }

}  // namespace

TEST_CASE("op table: a write to any tensor of any operation gives the right gradient or an error") {
  int64_t writes = 0;
  for (const tests::Row& row : tests::op_table()) writes += tests::check_writes(row);
  CHECK(writes > 1000);
  CHECK(live_nodes() == 0);
  std::printf("op table: %lld writes between passes\n", static_cast<long long>(writes));
}

TEST_CASE("regression 30: a write to rope's tables between forward and backward is an error") {
  const Tensor qkv = parameter({1, 2, 6}, 1);
  for (int table : {0, 1}) {
    const Tensor cosines = ones({2, 1}), sines = zeros({2, 1});
    const Tensor loss = sum(rope(qkv, cosines, sines, 1));
    write_first(table == 0 ? cosines : sines, 5);
    CHECK(message_of<AutogradError>([&] { loss.backward(); }) ==
          "[rope] the saved input " + std::to_string(table + 1) +
              " of shape [2, 1] was modified in place after the forward pass (version 2, saved at 1)");
  }
}

TEST_CASE("regression 31: an operation saves what was written to the result of one that can be computed again") {
  using Layer = Tensor (*)(const Tensor& x);
  const Layer layers[] = {
      [](const Tensor& x) { return gelu(x); },
      [](const Tensor& x) { return silu(x); },
      [](const Tensor& x) { return gelu_tanh(x); },
      [](const Tensor& x) { return layer_norm(x); },
      [](const Tensor& x) { return layer_norm_modulate(x, zeros({1, 4}), zeros({1, 4})); },
      [](const Tensor& x) { return linear_gelu_tanh(x, parameter({4, 4}, 5)); },
      [](const Tensor& x) { return group_norm_silu(x, 2); },
      [](const Tensor& x) { return gated_residual_norm(x, ones({1, 4}), x, zeros({1, 4}), zeros({1, 4})).normalized; },
  };
  for (size_t i = 0; i < std::size(layers); ++i) {
    CAPTURE(i);
    const Tensor x = parameter({1, 4, 4}, 1), w = parameter({1, 4, 4}, 2), y = layers[i](x);
    write_first(y, 100);
    const Tensor product = sum(y * w);
    CHECK(grad(product, w).to_vector<float>() == y.to_vector<float>());
    CHECK(grad(sum(y * w), w).data<float>()[0] == 100);
    const Tensor later = sum(y * w);
    write_first(y, 7);
    const std::string message = message_of<AutogradError>([&] { return grad(later, w); });
    CHECK(message.rfind("[mul] the saved input 0 of shape [1, 4, 4] was modified", 0) == 0);
  }
}

TEST_CASE("regression 31: a write after the use is an error while somebody holds the result") {
  const Tensor x = parameter({4}, 1), w = parameter({4}, 2), y = gelu(x);
  const Tensor loss = sum(y * w);
  write_first(y, 100);
  CHECK(message_of<AutogradError>([&] { loss.backward(); }) ==
        "[mul] the saved input 0 of shape [4] was modified in place after the forward pass (version 2, saved at 1)");
}

TEST_CASE("regression 31: a write to what a result was computed from leaves the result that is used afterwards") {
  const Tensor x = parameter({4}, 1), w = parameter({4}, 2), y = gelu(x);
  write_first(x, 3);
  CHECK(grad(sum(y * w), w).to_vector<float>() == y.to_vector<float>());
}

}  // namespace ditharos::test_writes
