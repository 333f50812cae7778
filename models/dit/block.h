#pragma once
// The blocks and the last layer of a diffusion transformer.
#include <array>
#include <optional>

#include <ditharos/models/dit/branch.h>
#include <ditharos/models/dit/context.h>
#include <ditharos/nn/ada_ln.h>
#include <ditharos/nn/attention.h>
#include <ditharos/nn/mlp.h>

namespace ditharos::models {

/// A list of branches, each of a norm, a modulation by the condition, what the branch computes, and a gated sum:
/// self-attention, cross-attention to a prompt or to a text's features (as PixArt-alpha, Chen et al. 2023) or to the
/// tokens of the condition, MLP (Peebles and Xie 2023, section 3.2). With adaLN-Zero a block starts as the identity:
/// the gates and the last projection of the attention to texts start at zero.
class DiTBlock : public nn::Module<DiTBlock> {
 public:
  DiTBlock() = default;
  /// `index` among the model's blocks decides the axes of attention, see attention_axes.
  DiTBlock(const DiTConfig& config, Generator& rng, int64_t index = 0);

  /// x [G, B T / G, D] -> like x. `condition` is silu of the condition, [G, D], computed once for all blocks; with
  /// adaLN-single the modulations that the blocks share, [G, 6 D]; undefined where the condition does not modulate.
  /// The G groups of tokens are the B samples, or all their frames when frames have times of their own.
  Tensor forward(const Tensor& x, const Tensor& condition, const DiTContext& context = {}) const;
  void visit(nn::Visitor& v) override;

 private:
  /// Cross-attention to a prompt. Its norm is a layer norm with weight 1 + scale and bias shift; both start at 0.
  struct TextBranch : nn::Module<TextBranch> {
    TextBranch(const DiTConfig& config, Generator& rng);
    void visit(nn::Visitor& v) override;

    nn::Parameter shift, scale;  // [D]
    nn::Attention attention;
  };

  /// Of attention and MLP.
  std::array<Modulation, 2> modulations(const Tensor& condition) const;
  Tensor attend(const Tensor& x, const DiTContext& context) const;
  Tensor attend_along(const nn::Attention& attention, AttentionAxes axes, const Tensor& x,
                      const DiTContext& context) const;
  Tensor attend_with_split_heads(const Tensor& x, const DiTContext& context) const;
  Tensor read_prompt(const Tensor& x, const DiTContext& context) const;
  Tensor cross_attend(const Tensor& x, const nn::AttentionInputs& to, const DiTContext& context) const;
  Tensor feed_forward(const Tensor& x) const { return mlp_ ? mlp_->reduced(x) : swiglu_->reduced(x); }

  AttentionLayout layout_ = AttentionLayout::joint;
  AttentionAxes axes_ = AttentionAxes::joint;
  int64_t heads_ = 1;
  bool has_shift_ = true, has_gate_ = true;
  BranchNorm norm1_, norm2_;
  nn::Attention attn_;
  std::optional<nn::Attention> temporal_attn_;  // of AttentionLayout::sequential
  std::optional<TextBranch> text_;
  std::optional<BranchNorm> norm_cross_;     // Conditioning::cross_attention
  std::optional<nn::Attention> cross_attn_;  // to the condition's tokens, or to a text's features
  std::optional<nn::Mlp> mlp_;
  std::optional<nn::SwiGlu> swiglu_;
  std::optional<nn::AdaLN> ada_ln_;
  nn::Parameter scale_shift_table_;  // [chunks, D], of adaLN-single
};

/// The last layer: a norm, modulated by shift and scale if the condition modulates, then a linear map to patches, which
/// starts at zero.
class FinalLayer : public nn::Module<FinalLayer> {
 public:
  FinalLayer() = default;
  FinalLayer(const DiTConfig& config, Generator& rng);

  /// x as in DiTBlock -> [G, B T / G, outputs], the numbers of a patch. `condition` is silu of the condition, [G, D];
  /// with adaLN-single the condition itself.
  Tensor forward(const Tensor& x, const Tensor& condition) const;
  void visit(nn::Visitor& v) override;

 private:
  BranchNorm norm_;
  nn::Linear linear_;
  std::optional<nn::AdaLN> ada_ln_;
  nn::Parameter scale_shift_table_;  // [2, D], of adaLN-single
};

}  // namespace ditharos::models
