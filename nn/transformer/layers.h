#pragma once
// The layers of torch.nn.Transformer.
#include <functional>

#include <ditharos/nn/dropout.h>
#include <ditharos/nn/norm.h>
#include <ditharos/nn/transformer/multihead_attention.h>

namespace ditharos::nn {

struct TransformerLayerOptions {
  int64_t dim_feedforward = 2048;
  double dropout = .1;
  std::function<Tensor(const Tensor&)> activation = relu;  ///< of the MLP
  double layer_norm_eps = 1e-5;
  bool batch_first = false;  ///< sequences are [B, T, D] instead of [T, B, D]
  bool norm_first = false;   ///< each branch's norm is before it, instead of behind the sum
  bool bias = true;          ///< of linear layers and norms
};

/// The masks of an encoder, as in MultiheadAttentionInputs: true means that a token is not attended to.
struct EncoderMasks {
  Tensor mask = {};                  ///< [T, T] or [B * heads, T, T]
  Tensor src_key_padding_mask = {};  ///< [B, T]
  bool is_causal = false;            ///< without a mask: token i attends to the tokens up to i

  template <class F>
  void visit_tensors(F&& f) {
    f(mask), f(src_key_padding_mask);
  }
};

/// The masks of a decoder, whose targets attend to themselves and to the memory.
struct DecoderMasks {
  Tensor tgt_mask = {};                 ///< [T, T] or [B * heads, T, T]
  Tensor memory_mask = {};              ///< [T, S] or [B * heads, T, S]
  Tensor tgt_key_padding_mask = {};     ///< [B, T]
  Tensor memory_key_padding_mask = {};  ///< [B, S]
  bool tgt_is_causal = false;           ///< without a tgt_mask: token i attends to the tokens up to i
  bool memory_is_causal = false;

  template <class F>
  void visit_tensors(F&& f) {
    f(tgt_mask), f(memory_mask), f(tgt_key_padding_mask), f(memory_key_padding_mask);
  }
};

/// The MLP of both layers: linear2(dropout(activation(linear1(x)))), under these names.
class TransformerMlp {
 public:
  TransformerMlp() = default;
  TransformerMlp(int64_t width, const TransformerLayerOptions& options, Generator& rng);
  Tensor operator()(const Tensor& x) const { return linear2(dropout(activation(linear1(x)))); }
  void visit(Visitor& v);

  Linear linear1, linear2;
  Dropout dropout;
  std::function<Tensor(const Tensor&)> activation = relu;
};

/// Self-attention and an MLP, each a residual branch with dropout and a layer norm (Vaswani et al. 2017).
class TransformerEncoderLayer : public Module<TransformerEncoderLayer> {
 public:
  TransformerEncoderLayer() = default;
  TransformerEncoderLayer(int64_t d_model, int64_t nhead, const TransformerLayerOptions& options = {},
                          Generator& rng = default_generator());

  /// src [T, B, D], [B, T, D] if batch_first, or [T, D]; the result has its shape.
  Tensor forward(const Tensor& src, const EncoderMasks& masks = {}) const;
  /// As in MultiheadAttention: layer(src, {.is_causal = true}).
  Tensor operator()(const Tensor& src, const EncoderMasks& masks = {}) const {
    return call([&] { return forward(src, masks); });
  }
  void visit(Visitor& v) override;

  MultiheadAttention self_attn;
  TransformerMlp mlp;
  LayerNorm norm1, norm2;
  Dropout dropout1, dropout2;

 private:
  bool norm_first_ = false;
};

/// Self-attention of the targets, attention to the memory, and an MLP, each a residual branch with dropout and a layer
/// norm.
class TransformerDecoderLayer : public Module<TransformerDecoderLayer> {
 public:
  TransformerDecoderLayer() = default;
  TransformerDecoderLayer(int64_t d_model, int64_t nhead, const TransformerLayerOptions& options = {},
                          Generator& rng = default_generator());

  /// tgt [T, B, D] and memory [S, B, D], or as in the encoder; the result has the shape of tgt.
  Tensor forward(const Tensor& tgt, const Tensor& memory, const DecoderMasks& masks = {}) const;
  /// As in MultiheadAttention: layer(tgt, memory, {.tgt_is_causal = true}).
  Tensor operator()(const Tensor& tgt, const Tensor& memory, const DecoderMasks& masks = {}) const {
    return call([&] { return forward(tgt, memory, masks); });
  }
  void visit(Visitor& v) override;

  MultiheadAttention self_attn, multihead_attn;
  TransformerMlp mlp;
  LayerNorm norm1, norm2, norm3;
  Dropout dropout1, dropout2, dropout3;

 private:
  bool norm_first_ = false;
};

}  // namespace ditharos::nn
