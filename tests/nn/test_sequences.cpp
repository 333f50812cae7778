// Recurrent networks and transformers beyond the golden values: initial values, masks, modes, misuse.
#include <doctest/doctest.h>

#include <cmath>

#include <ditharos/autograd/autocast.h>
#include <ditharos/autograd/engine.h>
#include <ditharos/autograd/grad_mode.h>
#include <ditharos/autograd/ops.h>
#include <ditharos/nn/inference.h>
#include <ditharos/nn/recurrent/cells.h>
#include <ditharos/nn/state_dict.h>
#include <ditharos/nn/transformer/transformer.h>
#include "tests/support/golden.h"
#include "tests/support/tensor_cases.h"

namespace ditharos::test_sequences {

using namespace ditharos::tests;

namespace {

using Names = std::vector<std::string>;

Names names_of(const nn::ModuleBase& module) {
  Names names;
  for (const auto& [name, tensor] : nn::named_tensors(module)) names.push_back(name);
  return names;
}

template <class M>
M evaluating(M module) {
  nn::set_training(module, false);
  return module;
}

}  // namespace

TEST_CASE("recurrent: names, shapes and initial values") {
  manual_seed(1);
  const nn::GRU gru(5, 16, {.num_layers = 2, .bidirectional = true});
  const Names names = names_of(gru);
  CHECK(names.size() == 16);
  CHECK(Names(names.begin(), names.begin() + 5) ==
        Names{"weight_ih_l0", "weight_hh_l0", "bias_ih_l0", "bias_hh_l0", "weight_ih_l0_reverse"});
  CHECK(names.back() == "bias_hh_l1_reverse");
  CHECK(gru.weights().at(1).weight_ih.shape() == Shape{48, 32});
  for (const auto& [name, p] : nn::named_parameters(gru)) {
    CHECK(amax(abs(p)).item() <= .25);
    CHECK(amax(abs(p)).item() > .2);
  }
  const auto [output, h_n] = gru(default_generator().normal({7, 3, 5}));
  CHECK(output.shape() == Shape{7, 3, 32});
  CHECK(h_n.shape() == Shape{4, 3, 16});
  CHECK(same_bits(slice(output[6], 1, 0, 16), h_n[2]));   // forward: the last step
  CHECK(same_bits(slice(output[0], 1, 16, 32), h_n[3]));  // reverse: the first one
}

TEST_CASE("recurrent: a projection has names, shapes and errors of its own") {
  manual_seed(3);
  const nn::LSTM lstm(5, 6, {.num_layers = 2, .proj_size = 4});
  const Names names = names_of(lstm);
  CHECK(Names(names.begin(), names.begin() + 5) ==
        Names{"weight_ih_l0", "weight_hh_l0", "bias_ih_l0", "bias_hh_l0", "weight_hr_l0"});
  CHECK(lstm.weights().at(1).weight_ih.shape() == Shape{24, 4});
  CHECK(lstm.weights().at(1).weight_hh.shape() == Shape{24, 4});
  CHECK(lstm.weights().at(1).weight_hr.shape() == Shape{4, 6});
  const nn::LSTMResult result = lstm(default_generator().normal({7, 3, 5}));
  CHECK(result.output.shape() == Shape{7, 3, 4});
  CHECK(result.state.h.shape() == Shape{2, 3, 4});
  CHECK(result.state.c.shape() == Shape{2, 3, 6});
  CHECK_THROWS_WITH_AS(nn::LSTM(5, 6, {.proj_size = 6}), "[LSTM] proj_size must be in [0, hidden_size = 6), got 6",
                       ConfigError);
  CHECK_THROWS_WITH_AS(nn::GRU(5, 6, {.proj_size = 2}), "[GRU] proj_size is an option of LSTM alone, got 2",
                       ConfigError);
  CHECK_THROWS_WITH_AS(lstm(zeros({7, 3, 5}), {zeros({2, 3, 6}), zeros({2, 3, 6})}),
                       "[LSTM] the initial state must be [2, 3, 4], got [2, 3, 6]", ShapeError);
}

TEST_CASE("recurrent: an LSTM in an Autocast scope, step by step, is near the one in f32") {
  manual_seed(4);
  const nn::LSTM lstm(5, 6);
  const Tensor x = default_generator().normal({7, 3, 5}), exact = lstm(x).output;
  const Autocast scope(DType::bf16);
  const Tensor rounded = lstm(x).output;
  CHECK(allclose(rounded, exact, 0, .02));
  CHECK(!same_bits(rounded, exact));
}

TEST_CASE("recurrent: a sequence in two parts, with the state between them, is the whole sequence") {
  manual_seed(2);
  const nn::LSTM lstm(4, 6, {.num_layers = 2, .batch_first = true});
  const Tensor x = default_generator().normal({3, 8, 4});
  const nn::LSTMResult whole = lstm(x), first = lstm(slice(x, 1, 0, 5)), second = lstm(slice(x, 1, 5, 8), first.state);
  CHECK(allclose(cat({first.output, second.output}, 1), whole.output, 0, 1e-6));
  CHECK(allclose(second.state.c, whole.state.c, 0, 1e-6));
}

TEST_CASE("recurrent: steps of a cell are the steps of the network with its weights") {
  manual_seed(8);
  const nn::GRU gru(3, 5);
  nn::GRUCell cell(3, 5);
  cell.weights = gru.weights().at(0);
  const Tensor x = default_generator().normal({4, 2, 3}), whole = gru(x).output;
  Tensor h;
  for (int64_t t = 0; t < 4; ++t) {
    h = cell(x[t], h);
    CHECK(allclose(h, whole[t], 0, 1e-6));
  }
}

TEST_CASE("recurrent: dropout is between layers, in training alone") {
  manual_seed(3);
  nn::RNN rnn(4, 6, {.num_layers = 2, .dropout = .5});
  const Tensor x = default_generator().normal({5, 2, 4});
  const nn::RecurrentResult a = rnn(x), b = rnn(x);
  CHECK(same_bits(a.h_n[0], b.h_n[0]));  // before the dropout
  CHECK_FALSE(same_bits(a.output, b.output));
  nn::set_training(rnn, false);
  CHECK(same_bits(rnn(x).output, rnn(x).output));
}

TEST_CASE("attention: a query without keys gives the bias, with weights and without, and gradients are finite") {
  manual_seed(4);
  const nn::MultiheadAttention mha(8, 2, {.batch_first = true});
  const Tensor x = default_generator().normal({1, 3, 8}).set_requires_grad();
  const Tensor blocked = from_vector<bool>({true, true, true, false, true, true, false, false, true}, {3, 3});
  const nn::MultiheadAttentionResult full = mha(x, x, x, {.attn_mask = blocked});
  const nn::MultiheadAttentionResult fused = mha(x, x, x, {.need_weights = false, .attn_mask = blocked});
  CHECK_FALSE(fused.weights.defined());
  CHECK(allclose(full.output, fused.output, 0, 1e-6));
  CHECK(allclose(full.output[0][0], mha.out_proj.bias, 0, 1e-7));
  CHECK(sum(full.weights).item() == doctest::Approx(2));
  const std::vector<Tensor> grads = grad({sum(square(full.output))}, {x, mha.in_proj_weight});
  for (const Tensor& g : grads) CHECK(all(isfinite(g)).item() == 1);
}

TEST_CASE("attention: with its weights and by the fused kernels, padded and causal, results agree") {
  manual_seed(5);
  const nn::MultiheadAttention mha(12, 3);
  const Tensor x = default_generator().normal({6, 2, 12}), y = default_generator().normal({4, 2, 12});
  const Tensor padding =
      from_vector<bool>({false, false, false, false, true, true, false, true, false, false, false, false}, {2, 6});
  for (const bool causal : {false, true})
    for (const Tensor& mask : {Tensor{}, padding}) {
      const auto run = [&](bool weights) {
        return mha(x, x, x, {.key_padding_mask = mask, .need_weights = weights, .is_causal = causal}).output;
      };
      CHECK(allclose(run(true), run(false), 0, 1e-6));
    }
  CHECK(mha(x, y, y).weights.shape() == Shape{2, 6, 4});
  CHECK(mha(x, y, y, {.average_attn_weights = false}).weights.shape() == Shape{2, 3, 6, 4});
  // The dropout of weights: their expectation stays.
  const nn::MultiheadAttention dropping(12, 3, {.dropout = .5});
  CHECK(any(dropping(x, y, y, {.average_attn_weights = false}).weights == 0).item() == 1);
  CHECK(all(evaluating(dropping)(x, y, y, {.average_attn_weights = false}).weights > 0).item() == 1);
}

TEST_CASE("attention: bf16 products under Autocast, and inference mode") {
  manual_seed(6);
  const nn::TransformerEncoderLayer layer = evaluating(nn::TransformerEncoderLayer(32, 4, {.dim_feedforward = 64}));
  const Tensor x = default_generator().normal({5, 2, 32});
  const Tensor want = layer(x);
  {
    const Autocast on(DType::bf16);
    const Tensor got = layer(x);
    CHECK(got.dtype() == DType::f32);
    CHECK(difference(got, want) < 2e-2);
    CHECK_FALSE(same_bits(got, want));
  }
  const nn::InferenceMode inference;
  CHECK(difference(layer(x), want) < 1e-5);
}

TEST_CASE("transformer: names of the state dict, copied layers, and initial values") {
  manual_seed(7);
  const nn::Transformer model(8, 2,
                              {.num_encoder_layers = 2, .num_decoder_layers = 1, .layer = {.dim_feedforward = 12}});
  const Names names = names_of(model);
  for (const char* name :
       {"encoder.layers.1.self_attn.in_proj_weight", "encoder.layers.0.linear2.bias", "encoder.norm.weight",
        "decoder.layers.0.multihead_attn.out_proj.weight", "decoder.layers.0.norm3.bias", "decoder.norm.bias"})
    CHECK(std::find(names.begin(), names.end(), name) != names.end());
  CHECK(names.size() == 2 * 12 + 2 + 18 + 2);
  const nn::TransformerEncoder encoder(nn::TransformerEncoderLayer(8, 2, {.dim_feedforward = 12}), 2);
  CHECK(same_bits(encoder.layers[0].mlp.linear1.weight, encoder.layers[1].mlp.linear1.weight));
  CHECK(encoder.layers[0].mlp.linear1.weight.impl() != encoder.layers[1].mlp.linear1.weight.impl());
  const double bound = std::sqrt(6.0 / (8 + 24));
  CHECK(amax(abs(encoder.layers[0].self_attn.in_proj_weight)).item() <= bound);
  CHECK(sum(abs(encoder.layers[0].self_attn.out_proj.bias)).item() == 0);
  CHECK(nn::generate_square_subsequent_mask(2).to_vector<double>() == std::vector<double>{0, -INFINITY, 0, 0});
  CHECK(same_bits(nn::Transformer::generate_square_subsequent_mask(3), nn::generate_square_subsequent_mask(3)));
}

TEST_CASE("sequences: messages for misuse") {
  CHECK(message_of<ConfigError>([] { nn::LSTM(0, 4); }) ==
        "[LSTM] input_size, hidden_size and num_layers must be at least 1, got 0, 4 and 1");
  CHECK(message_of<ConfigError>([] { nn::GRU(3, 4, {.dropout = .1}); }) ==
        "[GRU] dropout is between layers, and there is one layer");
  CHECK(message_of<ConfigError>([] { nn::RNN(3, 4, {.nonlinearity = "gelu"}); }) ==
        "[RNN] nonlinearity must be \"tanh\" or \"relu\", got \"gelu\"");
  const nn::GRU gru(3, 4);
  CHECK(message_of<ShapeError>([&] { return gru(zeros({5, 2, 4})).output; }) ==
        "[GRU] needs x [T, B, 3] or [T, 3], got [5, 2, 4]");
  CHECK(message_of<ShapeError>([&] { return gru(zeros({5, 2, 3}), zeros({1, 3, 4})).output; }) ==
        "[GRU] the initial state must be [1, 2, 4], got [1, 3, 4]");
  CHECK(message_of<ShapeError>([&] { return gru(zeros({0, 2, 3})).output; }) ==
        "[GRU] a sequence needs at least one step, got x [0, 2, 3]");
  CHECK(message_of<Error>([] { return nn::LSTM()(zeros({5, 2, 3})).output; }) ==
        "[LSTM] the nn::LSTM has no weights: it was made by the default constructor; construct it with its sizes");
  CHECK(message_of<ShapeError>([&] { gru.weights().at(1); }) ==
        "there is no direction 0 of a layer 1: there are 1 layers of 1 directions");

  CHECK(message_of<ConfigError>([] { nn::RNNCell(3, 0); }) ==
        "[RNNCell] input_size and hidden_size must be at least 1, got 3 and 0");
  CHECK(message_of<ShapeError>([] { return nn::LSTMCell(3, 4)(zeros({2, 4})).h; }) ==
        "[LSTMCell] needs x [B, 3] or [3], got [2, 4]");
  CHECK(message_of<ShapeError>([] { return nn::GRUCell(3, 4)(zeros({2, 3}), zeros({4})); }) ==
        "[GRUCell] a state must be [2, 4], got [4]");
  CHECK(message_of<ConfigError>([] { nn::MultiheadAttention(8, 3); }) ==
        "[MultiheadAttention] the width 8 is not divisible by 3 heads");
  const nn::MultiheadAttention mha(8, 2);
  const Tensor x = zeros({5, 2, 8});
  CHECK(message_of<ShapeError>([&] { return mha(x, zeros({4, 3, 8}), zeros({4, 3, 8})).output; }) ==
        "[MultiheadAttention] needs queries [T, B, 8], keys [S, B, 8] and values [S, B, 8], or all without B, got "
        "[5, 2, 8], [4, 3, 8] and [4, 3, 8]");
  const Tensor padding = zeros({5, 2}, DType::boolean);
  CHECK(message_of<ShapeError>([&] { return mha(x, x, x, {.key_padding_mask = padding}).output; }) ==
        "[MultiheadAttention] the key_padding_mask must be [B, S] = [2, 5], got [5, 2]");
  CHECK(message_of<ShapeError>([&] { return mha(x, x, x, {.attn_mask = zeros({2, 5, 5})}).output; }) ==
        "[MultiheadAttention] the attn_mask must be [T, S] = [5, 5] or [B * heads, T, S] = [4, 5, 5], got [2, 5, 5]");
  CHECK(message_of<Error>([&] { return nn::MultiheadAttention()(x, x, x).output; }).find("default constructor") !=
        std::string::npos);
  CHECK(message_of<ConfigError>([] {
          nn::TransformerEncoderLayer(8, 2, {.dim_feedforward = 0});
        }).find("dim_feedforward must be at least 1") != std::string::npos);
  CHECK(message_of<Error>([] { nn::TransformerEncoderLayer(8, 2, {.activation = nullptr}); }) ==
        "[Transformer] the activation is an empty function");
}

}  // namespace ditharos::test_sequences
