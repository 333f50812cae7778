#include <ditharos/nn/transformer/transformer.h>

#include <limits>

namespace ditharos::nn {
namespace {

/// `layer`, `count` times.
template <class Layer>
std::vector<Layer> copies(const char* type, const Layer& layer, int64_t count) {
  check<ConfigError>(count >= 0, "[", type, "] the number of layers must be at least 0, got ", count);
  return std::vector<Layer>(static_cast<size_t>(count), layer);
}

}  // namespace

TransformerEncoder::TransformerEncoder(const TransformerEncoderLayer& encoder_layer, int64_t num_layers,
                                       const std::optional<LayerNorm>& last)
    : layers(copies("TransformerEncoder", encoder_layer, num_layers)), norm(last) {}

Tensor TransformerEncoder::forward(const Tensor& src, const EncoderMasks& masks) const {
  Tensor x = src;
  for (const TransformerEncoderLayer& layer : layers) x = layer(x, masks);
  return norm ? (*norm)(x) : x;
}

TransformerDecoder::TransformerDecoder(const TransformerDecoderLayer& decoder_layer, int64_t num_layers,
                                       const std::optional<LayerNorm>& last)
    : layers(copies("TransformerDecoder", decoder_layer, num_layers)), norm(last) {}

Tensor TransformerDecoder::forward(const Tensor& tgt, const Tensor& memory, const DecoderMasks& masks) const {
  Tensor x = tgt;
  for (const TransformerDecoderLayer& layer : layers) x = layer(x, memory, masks);
  return norm ? (*norm)(x) : x;
}

Transformer::Transformer(int64_t d_model, int64_t nhead, const TransformerOptions& options, Generator& rng) {
  const LayerNorm norm(d_model, options.layer.layer_norm_eps, true, options.layer.bias);
  encoder =
      TransformerEncoder(TransformerEncoderLayer(d_model, nhead, options.layer, rng), options.num_encoder_layers, norm);
  decoder =
      TransformerDecoder(TransformerDecoderLayer(d_model, nhead, options.layer, rng), options.num_decoder_layers, norm);
  for (const auto& [name, parameter] : named_parameters(*this))
    if (parameter.rank() > 1) init::xavier_uniform_(parameter, 1, rng);
}

Tensor Transformer::forward(const Tensor& src, const Tensor& tgt, const TransformerMasks& m) const {
  const Tensor memory = encoder(src, EncoderMasks{m.src_mask, m.src_key_padding_mask, m.src_is_causal});
  return decoder(tgt, memory,
                 DecoderMasks{m.tgt_mask, m.memory_mask, m.tgt_key_padding_mask, m.memory_key_padding_mask,
                              m.tgt_is_causal, m.memory_is_causal});
}

Tensor generate_square_subsequent_mask(int64_t size, DType dtype) {
  return triu(full({size, size}, -std::numeric_limits<double>::infinity(), dtype), 1);
}

}  // namespace ditharos::nn
