// MultiheadAttention with the keys of add_bias_kv and add_zero_attn against PyTorch, and attention with dropout.
#include <doctest/doctest.h>

#include <ditharos/nn/transformer/multihead_attention.h>
#include "tests/nn/module_golden.h"

namespace ditharos::test_attention_keys {

using namespace ditharos::tests;
using Inputs = nn::MultiheadAttentionInputs;

namespace {

void check_keys(const std::string& name, const nn::MultiheadAttention& module,
                const std::function<Inputs(const Tensors&)>& inputs) {
  check_module("losses.safetensors", name, module, [&](const nn::MultiheadAttention& m, const Tensors& in) {
    const size_t last = in.size() > 2 ? 1 : 0;  // one tensor: queries, keys and values in one
    const nn::MultiheadAttentionResult result = m(in[0], in[last], in[2 * last], inputs(in));
    return result.weights.defined() ? Tensors{result.output, result.weights} : Tensors{result.output};
  });
}

}  // namespace

TEST_CASE("multihead attention: appended keys are PyTorch's") {
  check_keys("mha_bias_kv", nn::MultiheadAttention(8, 2, {.batch_first = true, .add_bias_kv = true}),
             [](const Tensors&) { return Inputs{}; });
  check_keys("mha_zero", nn::MultiheadAttention(8, 2, {.batch_first = true, .add_zero_attn = true}),
             [](const Tensors& in) { return Inputs{.attn_mask = in[3]}; });
  check_keys("mha_both", nn::MultiheadAttention(8, 2, {.bias = false, .add_bias_kv = true, .add_zero_attn = true}),
             [](const Tensors& in) { return Inputs{.key_padding_mask = in[3], .need_weights = false}; });
  check_keys("mha_both_added",
             nn::MultiheadAttention(
                 8, 2, {.kdim = 5, .vdim = 3, .batch_first = true, .add_bias_kv = true, .add_zero_attn = true}),
             [](const Tensors& in) { return Inputs{.attn_mask = in[3], .average_attn_weights = false}; });
  check_keys("mha_self_causal", nn::MultiheadAttention(8, 2, {.batch_first = true, .add_bias_kv = true}),
             [](const Tensors&) { return Inputs{.need_weights = false, .is_causal = true}; });
}

}  // namespace ditharos::test_attention_keys
