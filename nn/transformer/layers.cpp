#include <ditharos/nn/transformer/layers.h>

namespace ditharos::nn {
namespace {

/// A linear layer with the initial values of PyTorch's.
Linear torch_linear(int64_t in, int64_t out, bool bias, Generator& rng) {
  Linear layer;
  layer.weight = Parameter(init::fan_in_uniform({out, in}, {out, in}, rng));
  if (bias) layer.bias = Parameter(init::fan_in_uniform({out}, {out, in}, rng));
  return layer;
}

MultiheadAttentionOptions attention_options(const TransformerLayerOptions& options) {
  return {.dropout = options.dropout, .bias = options.bias, .batch_first = options.batch_first};
}

LayerNorm norm(int64_t width, const TransformerLayerOptions& options) {
  return LayerNorm(width, options.layer_norm_eps, true, options.bias);
}

/// x + branch(x) with the norm before the branch or behind the sum.
template <class F>
Tensor residual(const Tensor& x, const LayerNorm& norm, bool norm_first, const F& branch) {
  return norm_first ? x + branch(norm(x)) : norm(x + branch(x));
}

}  // namespace

TransformerMlp::TransformerMlp(int64_t width, const TransformerLayerOptions& options, Generator& rng)
    : linear1(torch_linear(width, options.dim_feedforward, options.bias, rng)),
      linear2(torch_linear(options.dim_feedforward, width, options.bias, rng)), dropout(options.dropout),
      activation(options.activation) {
  check<ConfigError>(options.dim_feedforward >= 1, "[Transformer] dim_feedforward must be at least 1, got ",
                     options.dim_feedforward);
  check(bool(activation), "[Transformer] the activation is an empty function");
}

void TransformerMlp::visit(Visitor& v) {
  v("linear1", linear1);
  v("dropout", dropout);
  v("linear2", linear2);
}

TransformerEncoderLayer::TransformerEncoderLayer(int64_t d_model, int64_t nhead, const TransformerLayerOptions& options,
                                                 Generator& rng)
    : self_attn(d_model, nhead, attention_options(options), rng), mlp(d_model, options, rng),
      norm1(norm(d_model, options)), norm2(norm(d_model, options)), dropout1(options.dropout),
      dropout2(options.dropout), norm_first_(options.norm_first) {}

Tensor TransformerEncoderLayer::forward(const Tensor& src, const EncoderMasks& masks) const {
  const Tensor x = residual(src, norm1, norm_first_, [&](const Tensor& h) {
    return dropout1(self_attn(h, h, h,
                              MultiheadAttentionInputs{.key_padding_mask = masks.src_key_padding_mask,
                                                       .need_weights = false,
                                                       .attn_mask = masks.mask,
                                                       .is_causal = masks.is_causal})
                        .output);
  });
  return residual(x, norm2, norm_first_, [&](const Tensor& h) { return dropout2(mlp(h)); });
}

void TransformerEncoderLayer::visit(Visitor& v) {
  v("self_attn", self_attn);
  mlp.visit(v);
  v("norm1", norm1), v("norm2", norm2);
  v("dropout1", dropout1), v("dropout2", dropout2);
}

TransformerDecoderLayer::TransformerDecoderLayer(int64_t d_model, int64_t nhead, const TransformerLayerOptions& options,
                                                 Generator& rng)
    : self_attn(d_model, nhead, attention_options(options), rng),
      multihead_attn(d_model, nhead, attention_options(options), rng), mlp(d_model, options, rng),
      norm1(norm(d_model, options)), norm2(norm(d_model, options)), norm3(norm(d_model, options)),
      dropout1(options.dropout), dropout2(options.dropout), dropout3(options.dropout), norm_first_(options.norm_first) {
}

Tensor TransformerDecoderLayer::forward(const Tensor& tgt, const Tensor& memory, const DecoderMasks& masks) const {
  Tensor x = residual(tgt, norm1, norm_first_, [&](const Tensor& h) {
    return dropout1(self_attn(h, h, h,
                              MultiheadAttentionInputs{.key_padding_mask = masks.tgt_key_padding_mask,
                                                       .need_weights = false,
                                                       .attn_mask = masks.tgt_mask,
                                                       .is_causal = masks.tgt_is_causal})
                        .output);
  });
  x = residual(x, norm2, norm_first_, [&](const Tensor& h) {
    const MultiheadAttentionInputs inputs{.key_padding_mask = masks.memory_key_padding_mask,
                                          .need_weights = false,
                                          .attn_mask = masks.memory_mask,
                                          .is_causal = masks.memory_is_causal};
    return dropout2(multihead_attn(h, memory, memory, inputs).output);
  });
  return residual(x, norm3, norm_first_, [&](const Tensor& h) { return dropout3(mlp(h)); });
}

void TransformerDecoderLayer::visit(Visitor& v) {
  v("self_attn", self_attn), v("multihead_attn", multihead_attn);
  mlp.visit(v);
  v("norm1", norm1), v("norm2", norm2), v("norm3", norm3);
  v("dropout1", dropout1), v("dropout2", dropout2), v("dropout3", dropout3);
}

}  // namespace ditharos::nn
