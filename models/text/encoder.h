#pragma once
// Encodes a prompt's tokens as the vectors that a model is conditioned on.
#include <vector>

#include <ditharos/nn/attention.h>
#include <ditharos/nn/embedding.h>
#include <ditharos/nn/mlp.h>
#include <ditharos/nn/norm.h>

namespace ditharos::models {

struct TextEncoderConfig {
  int64_t vocabulary = 0;  ///< number of tokens, padding (0) included; 0: no text at all
  int64_t length = 24;     ///< most tokens of a prompt
  int64_t width = 192;     ///< of a token's vector
  int64_t depth = 2;       ///< blocks
  int64_t heads = 4;       ///< of a block's attention

  /// Throws ConfigError with one sentence that says what does not fit.
  void validate() const;
  friend bool operator==(const TextEncoderConfig&, const TextEncoderConfig&) = default;
};

/// Parameters of a TextEncoder of this shape, without building it.
[[nodiscard]] int64_t count_parameters(const TextEncoderConfig& config);

/// Encoded prompts. L is the length of the longest prompt of the batch: padding beyond it is dropped.
struct EncodedText {
  Tensor tokens;  ///< [B, L, W], normalised; undefined values at padding
  Tensor pooled;  ///< [B, W], the mean of a prompt's tokens; zeros for a prompt without any
  Tensor words;   ///< [B, W], the mean of the tokens' embeddings, before the blocks
  Tensor mask;    ///< bool [B, L], true: a token, false: padding

  /// The tensors that need a gradient, for nn::checkpoint.
  template <class F>
  void visit_tensors(F&& f) {
    f(tokens), f(pooled), f(words);
  }
};

/// A block of the encoder: self-attention and MLP, each after a layer norm and added to its input.
class TextBlock : public nn::Module<TextBlock> {
 public:
  TextBlock() = default;
  TextBlock(const TextEncoderConfig& config, Generator& rng);

  /// x [B, L, W], mask bool [B, 1, 1, L] -> [B, L, W].
  Tensor forward(const Tensor& x, const Tensor& mask) const;
  void visit(nn::Visitor& v) override;

 private:
  nn::LayerNorm norm1_, norm2_;
  nn::Attention attn_;
  nn::Mlp mlp_;
};

/// A small transformer over a prompt's tokens (Vaswani et al. 2017, with the layer norms first): embedding, learned
/// positions, blocks whose attention masks padding, a last layer norm. Embeddings start as N(0, 1), positions as
/// N(0, .02^2).
class TextEncoder : public nn::Module<TextEncoder> {
 public:
  TextEncoder() = default;
  /// Throws ConfigError when the configuration does not fit together.
  TextEncoder(const TextEncoderConfig& config, Generator& rng);

  /// Tokens i64 [B, up to config().length], 0 = padding. A prompt's vectors depend on its own tokens alone.
  EncodedText forward(const Tensor& padded) const;
  void visit(nn::Visitor& v) override;

  const TextEncoderConfig& config() const { return config_; }

 private:
  void check_tokens(const Tensor& tokens) const;

  TextEncoderConfig config_;
  nn::Embedding embedding_;
  nn::Parameter positions_;  // [length, W]
  std::vector<TextBlock> blocks_;
  nn::LayerNorm norm_;
};

}  // namespace ditharos::models
