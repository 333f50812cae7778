#pragma once
// What the blocks of a diffusion transformer share in one forward pass, and among which tokens they attend.
#include <ditharos/models/dit/config.h>
#include <ditharos/models/dit/rotary.h>
#include <ditharos/models/samplers/feature_cache.h>

namespace ditharos::models {

/// Among which tokens an attention attends: it is over sequences of these.
enum class AttentionAxes {
  joint,    ///< all of a clip
  spatial,  ///< those of one frame
  temporal  ///< those of one spatial position, through time
};
/// The axes of the attention of the block with this index, of `depth` blocks: in a factorised model spatial and
/// temporal blocks alternate, with late fusion the second half is temporal. In the layouts whose blocks attend along
/// both axes it is spatial: that of the first attention, or of the first half of the heads.
[[nodiscard]] AttentionAxes attention_axes(AttentionLayout layout, int64_t block, int64_t depth);

/// What the blocks of one forward pass share. By default a block's tokens are those of whole samples [B, T, D], without
/// rotary positions and without a prompt.
struct DiTContext {
  int64_t batch = 0;  ///< clips; 0: see above
  PatchGrid grid;     ///< of a clip
  /// Rotary positions of the tokens of each kind of sequence; undefined: none.
  RotaryTable joint = {}, spatial = {}, temporal = {};
  /// The prompts' tokens [B, L, W], or the features of a text [B, L, D], to which blocks attend; undefined: none.
  Tensor text = {};
  /// bool [B, 1, 1, L], true: a token; with joint streams of all their tokens, [B, 1, 1, T + L]. Undefined: all tokens.
  Tensor text_mask = {};
  /// The condition as tokens [B, n, D], to which the blocks attend (Conditioning::cross_attention), or undefined.
  Tensor condition = {};
  FeatureCache* cache = nullptr;  ///< what the blocks' branches computed in earlier calls; null: none

  const RotaryTable& positions(AttentionAxes axes) const;
  /// The tensors that need a gradient, for nn::checkpoint.
  template <class F>
  void visit_tensors(F&& f) {
    f(text), f(condition);
  }
};

/// x holds B T rows of D elements, frame by frame, in any shape [..., D] -> [sequences, tokens of a sequence, D].
Tensor to_sequences(const Tensor& x, AttentionAxes axes, const DiTContext& context);
/// The inverse: to a tensor of the shape `like`.
Tensor from_sequences(const Tensor& x, AttentionAxes axes, const DiTContext& context, const Shape& like);

}  // namespace ditharos::models
