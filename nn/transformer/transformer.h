#pragma once
#include <optional>
#include <vector>

#include <ditharos/nn/transformer/layers.h>

namespace ditharos::nn {

/// Copies of a layer, one after another, and a norm. The copies have parameters of their own, with the same initial
/// values, as in PyTorch.
class TransformerEncoder : public Module<TransformerEncoder> {
 public:
  TransformerEncoder() = default;
  TransformerEncoder(const TransformerEncoderLayer& encoder_layer, int64_t num_layers,
                     const std::optional<LayerNorm>& norm = {});

  Tensor forward(const Tensor& src, const EncoderMasks& masks = {}) const;
  /// As in MultiheadAttention: encoder(src, {.is_causal = true}).
  Tensor operator()(const Tensor& src, const EncoderMasks& masks = {}) const {
    return call([&] { return forward(src, masks); });
  }
  void visit(Visitor& v) override { v("layers", layers), v("norm", norm); }

  std::vector<TransformerEncoderLayer> layers;
  std::optional<LayerNorm> norm;
};

/// The same of decoder layers.
class TransformerDecoder : public Module<TransformerDecoder> {
 public:
  TransformerDecoder() = default;
  TransformerDecoder(const TransformerDecoderLayer& decoder_layer, int64_t num_layers,
                     const std::optional<LayerNorm>& norm = {});

  Tensor forward(const Tensor& tgt, const Tensor& memory, const DecoderMasks& masks = {}) const;
  /// As in MultiheadAttention: decoder(tgt, memory, {.tgt_is_causal = true}).
  Tensor operator()(const Tensor& tgt, const Tensor& memory, const DecoderMasks& masks = {}) const {
    return call([&] { return forward(tgt, memory, masks); });
  }
  void visit(Visitor& v) override { v("layers", layers), v("norm", norm); }

  std::vector<TransformerDecoderLayer> layers;
  std::optional<LayerNorm> norm;
};

struct TransformerOptions {
  int64_t num_encoder_layers = 6, num_decoder_layers = 6;
  TransformerLayerOptions layer = {};
};

/// The masks of a Transformer, as in EncoderMasks and DecoderMasks.
struct TransformerMasks {
  Tensor src_mask = {}, tgt_mask = {}, memory_mask = {};
  Tensor src_key_padding_mask = {}, tgt_key_padding_mask = {}, memory_key_padding_mask = {};
  bool src_is_causal = false, tgt_is_causal = false, memory_is_causal = false;

  template <class F>
  void visit_tensors(F&& f) {
    f(src_mask), f(tgt_mask), f(memory_mask);
    f(src_key_padding_mask), f(tgt_key_padding_mask), f(memory_key_padding_mask);
  }
};

/// A mask [size, size] of numbers to add: minus infinity above the diagonal, 0 elsewhere.
Tensor generate_square_subsequent_mask(int64_t size, DType dtype = DType::f32);

/// An encoder of the source and a decoder of the target, each with a norm at its end (Vaswani et al. 2017). Weights
/// start Xavier-uniform.
class Transformer : public Module<Transformer> {
 public:
  Transformer() = default;
  explicit Transformer(int64_t d_model, int64_t nhead = 8, const TransformerOptions& options = {},
                       Generator& rng = default_generator());

  /// src [S, B, D], tgt [T, B, D], or batch-first, or without B; the result has the shape of tgt.
  Tensor forward(const Tensor& src, const Tensor& tgt, const TransformerMasks& masks = {}) const;
  /// As in MultiheadAttention: model(src, tgt, {.tgt_is_causal = true}).
  Tensor operator()(const Tensor& src, const Tensor& tgt, const TransformerMasks& masks = {}) const {
    return call([&] { return forward(src, tgt, masks); });
  }
  void visit(Visitor& v) override { v("encoder", encoder), v("decoder", decoder); }
  /// The function of the same name, where PyTorch has it.
  static Tensor generate_square_subsequent_mask(int64_t size, DType dtype = DType::f32) {
    return nn::generate_square_subsequent_mask(size, dtype);
  }

  TransformerEncoder encoder;
  TransformerDecoder decoder;
};

}  // namespace ditharos::nn
