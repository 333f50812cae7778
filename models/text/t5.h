#pragma once
// The encoder of T5, the text encoder of PixArt, Latte and Stable Diffusion 3.
#include <optional>
#include <string>
#include <vector>

#include <ditharos/nn/attention.h>
#include <ditharos/nn/embedding.h>
#include <ditharos/nn/group_norm.h>
#include <ditharos/nn/linear.h>

namespace ditharos::models {

/// The feed-forward network of a T5 block; its layers have no bias.
enum class T5FeedForward {
  relu,       ///< wo(relu(wi(x))), of T5 (Raffel et al. 2020)
  gated_gelu  ///< wo(gelu_tanh(wi_0(x)) wi_1(x)), of T5 version 1.1 (GEGLU, Shazeer 2020)
};

/// The parameters of a T5 encoder under the names of its published configuration. The defaults are those of t5-small.
struct T5Config {
  int64_t vocab_size = 32128;                     ///< rows of the embedding table
  int64_t d_model = 512;                          ///< width W of a token's vector
  int64_t d_kv = 64;                              ///< size of an attention head; num_heads * d_kv need not be d_model
  int64_t d_ff = 2048;                            ///< hidden width of the feed-forward networks
  int64_t num_layers = 6;                         ///< blocks
  int64_t num_heads = 8;                          ///< attention heads per block
  int64_t relative_attention_num_buckets = 32;    ///< of relative_position_buckets; even and at least 4
  int64_t relative_attention_max_distance = 128;  ///< tokens further apart than this share a bucket
  T5FeedForward feed_forward_proj = T5FeedForward::relu;
  double layer_norm_epsilon = 1e-6;

  /// Throws ConfigError with one sentence that says what does not fit.
  void validate() const;
  friend bool operator==(const T5Config&, const T5Config&) = default;
};

/// A published size: "t5-small", "t5-base", "t5-large", "t5-3b", "t5-11b", or of version 1.1 "t5-v1_1-small", "-base",
/// "-large", "-xl" and "-xxl" (the one of PixArt, Latte and Stable Diffusion 3). ConfigError names the known ones.
[[nodiscard]] T5Config t5_preset(const std::string& name);
/// The names that t5_preset knows.
[[nodiscard]] std::vector<std::string> t5_preset_names();

/// Parameters of a T5Encoder of this shape, without building it.
[[nodiscard]] int64_t count_parameters(const T5Config& config);

/// The buckets of the relative positions of `tokens` tokens, i64 [T, T]: at [i, j] that of j - i (Raffel et al. 2020,
/// section 2.1). One half of the buckets is for keys after the query, the other for the query itself and keys before
/// it. In each half, the first half of the buckets stands for one distance each. The others divide the distances up to
/// `max_distance` into ranges whose bounds grow exponentially, and the last has all that is further away.
[[nodiscard]] Tensor relative_position_buckets(int64_t tokens, int64_t num_buckets, int64_t max_distance);

/// A block: self-attention without scale, then the feed-forward network, each after an RMS norm and added to its input.
class T5Block : public nn::Module<T5Block> {
 public:
  T5Block() = default;
  T5Block(const T5Config& config, Generator& rng);

  /// x [B, L, W]; `bias` [1 or B, heads, L, L] is added to the scores -> [B, L, W].
  Tensor forward(const Tensor& x, const Tensor& bias) const;
  void visit(nn::Visitor& v) override;

 private:
  friend class T5Encoder;
  Tensor feed_forward(const Tensor& x) const;

  std::optional<nn::Embedding> relative_attention_bias_;  // [buckets, heads]; of the first block, for all of them
  nn::RMSNorm norm1_, norm2_;
  nn::Attention attn_;
  nn::Linear wi_0_, wo_;
  std::optional<nn::Linear> wi_1_;  // of gated_gelu
};

/// The encoder of T5 (Raffel et al. 2020, "Exploring the limits of transfer learning with a unified text-to-text
/// transformer"). Positions enter as a learned number for each head and bucket of relative positions, which the blocks
/// share and add to their scores. Parameters start as in the authors' code: normal with standard deviations that keep
/// unscaled scores near 1. There is no dropout: in front of a diffusion transformer the encoder is not trained.
///
/// State-dict keys are those of transformers' T5EncoderModel, except that one matrix SelfAttention.qkv stands for q, k
/// and v, and SelfAttention.proj for o; t5_names (models/text/t5_names.h) maps them.
class T5Encoder : public nn::Module<T5Encoder> {
 public:
  T5Encoder() = default;
  /// Throws ConfigError when the configuration does not fit together.
  T5Encoder(const T5Config& config, Generator& rng);

  /// tokens i64 [B, L] in [0, vocab_size) -> [B, L, W], the normalised vectors of the last block. mask bool [B, L]:
  /// true for tokens, false for padding, to which no token attends; undefined: all tokens attend to all. The vectors of
  /// padding itself are finite and of no use.
  Tensor forward(const Tensor& tokens, const Tensor& mask = {}) const;
  void visit(nn::Visitor& v) override;

  const T5Config& config() const { return config_; }

 private:
  void check_inputs(const Tensor& tokens, const Tensor& mask) const;
  Tensor position_bias(int64_t tokens) const;

  T5Config config_;
  nn::Embedding shared_;
  std::vector<T5Block> blocks_;
  nn::RMSNorm norm_;
};

}  // namespace ditharos::models
