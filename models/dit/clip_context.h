#pragma once
// What the blocks of a video transformer share in one forward pass, and among which tokens they attend.
#include <ditharos/models/dit/rotary.h>

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

  const RotaryTable& positions(AttentionSpan span) const;
  /// What a gradient has to reach, for nn::checkpoint.
  template <class F>
  void visit_tensors(F&& f) {
    f(text);
  }
};

/// x holds B T rows of D elements, frame by frame, in any shape [..., D] -> [spans, tokens of a span, D].
Tensor to_spans(const Tensor& x, AttentionSpan span, const ClipContext& clip);
/// The way back, to a tensor of the shape `like`.
Tensor from_spans(const Tensor& x, AttentionSpan span, const ClipContext& clip, const Shape& like);

}  // namespace ditharos::models
