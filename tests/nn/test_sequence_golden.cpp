// Recurrent networks and transformer layers against PyTorch.
#include <doctest/doctest.h>

#include <ditharos/nn/recurrent/cells.h>
#include <ditharos/nn/transformer/transformer.h>
#include "tests/nn/module_golden.h"

namespace ditharos::test_sequence_golden {

using namespace ditharos::tests;

namespace {

constexpr const char* file = "sequences.safetensors";

template <class M, class Call>
void check_case(const std::string& name, M module, const Call& call) {
  check_module(file, name, std::move(module), call);
}

template <class M>
void check_recurrent(const std::string& name, const M& module, bool smooth = true) {
  const auto call = [](const M& m, const Tensors& in) {
    const auto [output, h_n] = m(in[0], in.size() > 1 ? in[1] : Tensor{});
    return Tensors{output, h_n};
  };
  check_case(name, module, call);
  if (smooth) check_gradients(file, name, module, call);
}

void check_lstm(const std::string& name, const nn::LSTM& module) {
  const auto call = [](const nn::LSTM& m, const Tensors& in) {
    const auto [output, state] = m(in[0], in.size() > 1 ? nn::LSTMState{in[1], in[2]} : nn::LSTMState{});
    return Tensors{output, state.h, state.c};
  };
  check_case(name, module, call);
  check_gradients(file, name, module, call);
}

using Inputs = nn::MultiheadAttentionInputs;

/// make(inputs) gives the arguments after queries, keys and values.
template <class Make>
void check_attention(const std::string& name, const nn::MultiheadAttention& module, const Make& make,
                     bool separate = false) {
  const auto call = [&](const nn::MultiheadAttention& m, const Tensors& in) {
    const Tensor& key = in.size() > 1 && is_floating(in[1].dtype()) ? in[1] : in[0];
    const auto [output, weights] = m(in[0], key, separate ? in[2] : key, make(in));
    return weights.defined() ? Tensors{output, weights} : Tensors{output};
  };
  check_case(name, module, call);
  check_gradients(file, name, module, call);
}

const auto no_masks = [](const Tensors&) { return Inputs{}; };

}  // namespace

TEST_CASE("sequence golden: RNN, GRU and LSTM with layers, directions, and both orders of axes") {
  check_recurrent("rnn", nn::RNN(3, 4));
  check_recurrent("rnn_relu",
                  nn::RNN(3, 4, {.num_layers = 2, .nonlinearity = "relu", .bias = false, .batch_first = true}), false);
  check_recurrent("gru", nn::GRU(3, 4, {.num_layers = 2, .bidirectional = true}));
  check_recurrent("gru_single", nn::GRU(3, 4));
  check_lstm("lstm", nn::LSTM(3, 4));
  check_lstm("lstm_deep", nn::LSTM(3, 4, {.num_layers = 2, .batch_first = true, .bidirectional = true}));
  check_lstm("lstm_single", nn::LSTM(3, 2, {.bias = false}));
  check_lstm("lstm_projection", nn::LSTM(3, 4, {.proj_size = 2}));
  check_lstm("lstm_projection_deep",
             nn::LSTM(3, 4, {.num_layers = 2, .batch_first = true, .bidirectional = true, .proj_size = 3}));
  check_lstm("lstm_projection_single", nn::LSTM(3, 2, {.bias = false, .proj_size = 1}));
}

TEST_CASE("sequence golden: cells") {
  const auto one_state = [](const auto& m, const Tensors& in) { return Tensors{m(in[0], in[1])}; };
  check_case("rnn_cell", nn::RNNCell(3, 4, {.nonlinearity = "relu"}), one_state);
  check_case("gru_cell", nn::GRUCell(3, 4), one_state);
  check_gradients(file, "gru_cell", nn::GRUCell(3, 4), one_state);
  const auto two_states = [](const nn::LSTMCell& m, const Tensors& in) {
    const nn::LSTMState state = m(in[0], {in[1], in[2]});
    return Tensors{state.h, state.c};
  };
  check_case("lstm_cell", nn::LSTMCell(3, 4, {.bias = false}), two_states);
  check_gradients(file, "lstm_cell", nn::LSTMCell(3, 4, {.bias = false}), two_states);
}

TEST_CASE("sequence golden: multi-head attention with its masks and weights, by the fused kernels and without") {
  check_attention("mha_self", nn::MultiheadAttention(8, 2), no_masks);
  check_attention("mha_fast", nn::MultiheadAttention(8, 2, {.batch_first = true}),
                  [](const Tensors&) { return Inputs{.need_weights = false}; });
  check_attention("mha_heads", nn::MultiheadAttention(8, 4, {.bias = false, .batch_first = true}),
                  [](const Tensors&) { return Inputs{.average_attn_weights = false}; });
  check_attention("mha_widths", nn::MultiheadAttention(8, 2, {.kdim = 5, .vdim = 3}), no_masks, true);
  check_attention("mha_single", nn::MultiheadAttention(8, 2), no_masks, true);
  for (const bool weights : {true, false}) {
    const std::string suffix = weights ? "weights" : "fused";
    const nn::MultiheadAttention module(8, 2, {.batch_first = true});
    check_attention("mha_padding_" + suffix, module,
                    [&](const Tensors& in) { return Inputs{.key_padding_mask = in[2], .need_weights = weights}; });
    check_attention("mha_masks_" + suffix, module, [&](const Tensors& in) {
      return Inputs{.key_padding_mask = in[2], .need_weights = weights, .attn_mask = in[3]};
    });
    check_attention("mha_added_" + suffix, module,
                    [&](const Tensors& in) { return Inputs{.need_weights = weights, .attn_mask = in[2]}; });
  }
  check_attention("mha_mixed", nn::MultiheadAttention(8, 2, {.batch_first = true}),
                  [](const Tensors& in) { return Inputs{.key_padding_mask = in[2], .attn_mask = in[3]}; });
}

TEST_CASE("sequence golden: layers of the transformer, the encoder, and the whole") {
  const nn::TransformerLayerOptions options{.dim_feedforward = 12, .dropout = 0};
  const auto with = [&](const auto& change) {
    nn::TransformerLayerOptions changed = options;
    change(changed);
    return changed;
  };
  using Options = nn::TransformerLayerOptions;
  const auto plain = [](const auto& m, const Tensors& in) { return Tensors{m(in[0])}; };
  check_case("encoder_layer", nn::TransformerEncoderLayer(8, 2, options), plain);
  const nn::TransformerEncoderLayer first(8, 2, with([](Options& o) {
                                            o.activation = gelu, o.layer_norm_eps = 1e-3, o.batch_first = true,
                                            o.norm_first = true;
                                          }));
  const auto causal = [](const nn::TransformerEncoderLayer& m, const Tensors& in) {
    return Tensors{m(in[0], {.is_causal = true})};
  };
  check_case("encoder_layer_first", first, causal);
  check_gradients(file, "encoder_layer_first", first, causal);
  check_case("encoder_layer_first", first, [](const nn::TransformerEncoderLayer& m, const Tensors& in) {
    return Tensors{m(in[0], {.mask = nn::generate_square_subsequent_mask(4, in[0].dtype())})};
  });
  check_case("encoder_layer_plain", nn::TransformerEncoderLayer(8, 2, with([](Options& o) { o.bias = false; })), plain);
  check_case("decoder_layer", nn::TransformerDecoderLayer(8, 2, options),
             [](const nn::TransformerDecoderLayer& m, const Tensors& in) {
               return Tensors{m(in[0], in[1], {.tgt_is_causal = true})};
             });
  check_case("decoder_layer_first",
             nn::TransformerDecoderLayer(8, 2, with([](Options& o) { o.norm_first = true, o.batch_first = true; })),
             [](const nn::TransformerDecoderLayer& m, const Tensors& in) { return Tensors{m(in[0], in[1])}; });
  const Options batch_first = with([](Options& o) { o.batch_first = true; });
  check_case("encoder", nn::TransformerEncoder(nn::TransformerEncoderLayer(8, 2, batch_first), 2, nn::LayerNorm(8)),
             [](const nn::TransformerEncoder& m, const Tensors& in) {
               return Tensors{m(in[0], {.src_key_padding_mask = in[1]})};
             });
  check_case(
      "transformer", nn::Transformer(8, 2, {1, 1, batch_first}), [](const nn::Transformer& m, const Tensors& in) {
        return Tensors{
            m(in[0], in[1], {.src_key_padding_mask = in[2], .memory_key_padding_mask = in[2], .tgt_is_causal = true})};
      });
}

}  // namespace ditharos::test_sequence_golden
