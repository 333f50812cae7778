#pragma once
// The two parts of a diffusion transformer that the condition steers.
#include <ditharos/models/dit/config.h>
#include <ditharos/nn/ada_ln.h>
#include <ditharos/nn/attention.h>
#include <ditharos/nn/mlp.h>

namespace ditharos::models {

/// A transformer block with adaLN-Zero (Peebles and Xie 2023, section 3.2): the condition gives shift, scale and gate
/// of both branches. It starts as the identity, because the gates start at zero.
class DiTBlock : public nn::Module<DiTBlock> {
 public:
  DiTBlock() = default;
  DiTBlock(const DiTConfig& config, Generator& rng);

  /// x [B, T, D] -> [B, T, D]; `activated` is silu(condition), [B, D], computed once for all blocks.
  Tensor forward(const Tensor& x, const Tensor& activated) const;
  void visit(nn::Visitor& v) override;

 private:
  nn::Attention attn_;
  nn::Mlp mlp_;
  nn::AdaLN ada_ln_;
};

/// The last layer: adaptive layer norm without gate, then a linear map to patches, which starts at zero.
class FinalLayer : public nn::Module<FinalLayer> {
 public:
  FinalLayer() = default;
  FinalLayer(int64_t width, int64_t outputs, Generator& rng);

  /// x [B, T, D], `activated` as in DiTBlock -> [B, T, outputs], the numbers of a patch.
  Tensor forward(const Tensor& x, const Tensor& activated) const;
  void visit(nn::Visitor& v) override;

 private:
  nn::Linear linear_;
  nn::AdaLN ada_ln_;
};

}  // namespace ditharos::models
