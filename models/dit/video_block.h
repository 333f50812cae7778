#pragma once
// A block of a diffusion transformer for video.
#include <optional>

#include <ditharos/models/dit/clip_context.h>
#include <ditharos/models/dit/video_config.h>
#include <ditharos/nn/ada_ln.h>
#include <ditharos/nn/attention.h>
#include <ditharos/nn/mlp.h>

namespace ditharos::models {

/// Self-attention and MLP with adaLN-Zero (Peebles and Xie 2023, section 3.2), and between them, in a model with text,
/// cross-attention to the prompt's tokens (as PixArt-alpha, Chen et al. 2023). It starts as the identity: the gates and
/// the cross-attention's last projection start at zero.
class VideoBlock : public nn::Module<VideoBlock> {
 public:
  VideoBlock() = default;
  VideoBlock(const VideoDiTConfig& config, AttentionSpan span, Generator& rng);

  /// x [G, B T / G, D] -> like x; `activated` is silu(condition), [G, D]: one condition for each of G runs of tokens,
  /// which are the B clips, or all their frames when these have times of their own.
  Tensor forward(const Tensor& x, const Tensor& activated, const ClipContext& clip) const;
  void visit(nn::Visitor& v) override;

 private:
  /// The cross-attention's norm: as a layer norm's weight and bias, but the weight counts from 1 and starts at 0, as a
  /// modulation's scale does.
  struct TextBranch : nn::Module<TextBranch> {
    TextBranch(const VideoDiTConfig& config, Generator& rng);
    void visit(nn::Visitor& v) override;

    nn::Parameter shift, scale;  // [D]
    nn::Attention attention;
  };

  AttentionSpan span_ = AttentionSpan::clip;
  nn::Attention attn_;
  std::optional<TextBranch> text_;
  nn::Mlp mlp_;
  nn::AdaLN ada_ln_;
};

}  // namespace ditharos::models
