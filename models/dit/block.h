#pragma once
// The blocks and the last layer of a diffusion transformer, which the condition modulates.
#include <optional>

#include <ditharos/models/dit/context.h>
#include <ditharos/nn/ada_ln.h>
#include <ditharos/nn/attention.h>
#include <ditharos/nn/mlp.h>

namespace ditharos::models {

/// Self-attention and MLP with adaLN-Zero (Peebles and Xie 2023, section 3.2): the condition gives shift, scale and
/// gate of both branches. Between them, in a model with prompts, cross-attention to the prompt's tokens (as
/// PixArt-alpha, Chen et al. 2023). It starts as the identity: the gates and the cross-attention's last projection
/// start at zero.
class DiTBlock : public nn::Module<DiTBlock> {
 public:
  DiTBlock() = default;
  /// `index` among the model's blocks decides the axes of attention in a factorised model.
  DiTBlock(const DiTConfig& config, Generator& rng, int64_t index = 0);

  /// x [G, B T / G, D] -> like x. `silu_condition` is silu(condition), [G, D], computed once for all blocks. The G
  /// groups of tokens are the B samples, or all their frames when frames have times of their own.
  Tensor forward(const Tensor& x, const Tensor& silu_condition, const DiTContext& context = {}) const;
  void visit(nn::Visitor& v) override;

 private:
  /// The cross-attention's norm: a layer norm with weight 1 + scale and bias shift; both start at 0.
  struct TextBranch : nn::Module<TextBranch> {
    TextBranch(const DiTConfig& config, Generator& rng);
    void visit(nn::Visitor& v) override;

    nn::Parameter shift, scale;  // [D]
    nn::Attention attention;
  };

  Tensor attend(const Tensor& x, const DiTContext& context) const;
  Tensor read_prompt(const Tensor& x, const DiTContext& context) const;

  AttentionAxes axes_ = AttentionAxes::joint;
  nn::Attention attn_;
  std::optional<TextBranch> text_;
  nn::Mlp mlp_;
  nn::AdaLN ada_ln_;
};

/// The last layer: adaptive layer norm without gate, then a linear map to patches, which starts at zero.
class FinalLayer : public nn::Module<FinalLayer> {
 public:
  FinalLayer() = default;
  FinalLayer(int64_t width, int64_t outputs, Generator& rng);

  /// x and `silu_condition` as in DiTBlock -> [G, B T / G, outputs], the numbers of a patch.
  Tensor forward(const Tensor& x, const Tensor& silu_condition) const;
  void visit(nn::Visitor& v) override;

 private:
  nn::Linear linear_;
  nn::AdaLN ada_ln_;
};

}  // namespace ditharos::models
