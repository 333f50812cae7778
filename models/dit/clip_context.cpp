#include <ditharos/models/dit/clip_context.h>

#include <ditharos/autograd/ops.h>

namespace ditharos::models {
namespace {

/// [B * outer * inner, D] -> [B, inner, outer, D].
Tensor swapped(const Tensor& x, int64_t batch, int64_t outer, int64_t inner) {
  return permute(reshape(x, {batch, outer, inner, x.size(-1)}), {0, 2, 1, 3});
}

}  // namespace

const RotaryTable& ClipContext::positions(AttentionSpan span) const {
  return span == AttentionSpan::clip ? clip : span == AttentionSpan::frame ? frame : place;
}

Tensor to_spans(const Tensor& x, AttentionSpan span, const ClipContext& clip) {
  const int64_t frames = clip.grid.frames, places = clip.grid.rows * clip.grid.columns, width = x.size(-1);
  switch (span) {
    case AttentionSpan::clip: return reshape(x, {clip.batch, frames * places, width});
    case AttentionSpan::frame: return reshape(x, {clip.batch * frames, places, width});
    case AttentionSpan::place: break;
  }
  return reshape(swapped(x, clip.batch, frames, places), {clip.batch * places, frames, width});
}

Tensor from_spans(const Tensor& x, AttentionSpan span, const ClipContext& clip, const Shape& like) {
  if (span != AttentionSpan::place) return reshape(x, like);
  return reshape(swapped(x, clip.batch, clip.grid.rows * clip.grid.columns, clip.grid.frames), like);
}

}  // namespace ditharos::models
