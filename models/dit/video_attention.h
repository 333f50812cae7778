#pragma once
// The two attentions of a video transformer: among a clip's tokens, and to its prompt's.
#include <ditharos/models/dit/rotary.h>
#include <ditharos/models/dit/video_config.h>

namespace ditharos::models {

/// Among which tokens a block attends.
enum class AttentionSpan {
  clip,   ///< all of a clip
  frame,  ///< those of one frame
  place   ///< those of one place, through time
};

/// What the blocks of one forward pass share.
struct ClipContext {
  int64_t batch = 0;
  PatchGrid grid;
  /// Positions of the tokens of each span; undefined: tokens have no position.
  RotaryTable clip = {}, frame = {}, place = {};
  Tensor text = {};       ///< [B, L, W], or undefined
  Tensor text_mask = {};  ///< bool [B, 1, 1, L], true: a token
};

/// Multi-head self-attention with rotary positions (Su et al. 2021) among the tokens of a span; with qk_norm, queries
/// and keys are normalised first (Henry et al. 2020, with an RMS norm).
class SpanAttention : public nn::Module<SpanAttention> {
 public:
  SpanAttention() = default;
  SpanAttention(const VideoDiTConfig& config, AttentionSpan span, Generator& rng);

  /// x holds B T rows of D elements, frame by frame, in any shape [..., D] -> like x.
  Tensor forward(const Tensor& x, const ClipContext& clip) const;
  void visit(nn::Visitor& v) override;

 private:
  Tensor attend(const Tensor& x, const RotaryTable& positions) const;
  Tensor normalized(const Tensor& qkv) const;

  AttentionSpan span_ = AttentionSpan::clip;
  int64_t heads_ = 1;
  nn::Linear qkv_, proj_;
  nn::Parameter q_norm_, k_norm_;  // [D / H], factors after the RMS norm; undefined without
};

/// Multi-head attention from a clip's tokens to its prompt's. The last projection starts at zero: at first the prompt
/// changes nothing.
class TextAttention : public nn::Module<TextAttention> {
 public:
  TextAttention() = default;
  TextAttention(const VideoDiTConfig& config, Generator& rng);

  /// x as in SpanAttention -> like x. A clip whose prompt has no token gets the projection's bias.
  Tensor forward(const Tensor& x, const ClipContext& clip) const;
  void visit(nn::Visitor& v) override;

 private:
  int64_t heads_ = 1;
  nn::Linear q_, kv_, proj_;
};

}  // namespace ditharos::models
