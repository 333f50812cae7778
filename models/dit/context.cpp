#include <ditharos/models/dit/context.h>

#include <ditharos/autograd/ops.h>

namespace ditharos::models {
namespace {

/// [B * outer * inner, D] -> [B, inner, outer, D].
Tensor swapped(const Tensor& x, int64_t batch, int64_t outer, int64_t inner) {
  return permute(reshape(x, {batch, outer, inner, x.size(-1)}), {0, 2, 1, 3});
}

}  // namespace

AttentionAxes attention_axes(AttentionLayout layout, int64_t block, int64_t depth) {
  switch (layout) {
    case AttentionLayout::joint: return AttentionAxes::joint;
    case AttentionLayout::factorised: return block % 2 == 0 ? AttentionAxes::spatial : AttentionAxes::temporal;
    case AttentionLayout::late_fusion: return 2 * block < depth ? AttentionAxes::spatial : AttentionAxes::temporal;
    case AttentionLayout::sequential:
    case AttentionLayout::split_heads: break;
  }
  return AttentionAxes::spatial;
}

const RotaryTable& DiTContext::positions(AttentionAxes axes) const {
  return axes == AttentionAxes::joint ? joint : axes == AttentionAxes::spatial ? spatial : temporal;
}

Tensor to_sequences(const Tensor& x, AttentionAxes axes, const DiTContext& context) {
  if (context.batch == 0) return x;
  const int64_t frames = context.grid.frames, positions = context.grid.rows * context.grid.columns;
  const int64_t batch = context.batch, width = x.size(-1);
  switch (axes) {
    case AttentionAxes::joint: return reshape(x, {batch, -1, width});
    case AttentionAxes::spatial: return reshape(x, {batch * frames, positions, width});
    case AttentionAxes::temporal: break;
  }
  return reshape(swapped(x, batch, frames, positions), {batch * positions, frames, width});
}

Tensor from_sequences(const Tensor& x, AttentionAxes axes, const DiTContext& context, const Shape& like) {
  if (context.batch == 0 || axes != AttentionAxes::temporal) return reshape(x, like);
  return reshape(swapped(x, context.batch, context.grid.rows * context.grid.columns, context.grid.frames), like);
}

}  // namespace ditharos::models
