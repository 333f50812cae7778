#pragma once
// The block of MM-DiT, whose image and text are two streams of tokens.
#include <array>
#include <optional>

#include <ditharos/models/dit/branch.h>
#include <ditharos/models/dit/context.h>
#include <ditharos/nn/ada_ln.h>
#include <ditharos/nn/attention.h>
#include <ditharos/nn/mlp.h>

namespace ditharos::models {

/// What a joint block does to one of its streams, with weights that the other does not share.
class JointStream : public nn::Module<JointStream> {
 public:
  /// The stream of the images, or of the text, of the block with this index.
  JointStream() = default;
  JointStream(const DiTConfig& config, bool is_text, int64_t index, Generator& rng);

  /// Of the attention, the MLP, and a second attention among the stream's own tokens.
  std::array<Modulation, 3> modulations(const Tensor& silu_condition) const;
  /// False for the text in the last block: nothing is read from it any more, so it only has keys, values and queries.
  bool continues() const { return mlp_.has_value(); }
  void visit(nn::Visitor& v) override;

  const BranchNorm& norm1() const { return norm1_; }
  const nn::Attention& attention() const { return attn_; }
  /// x [B, T, D] and what the joint attention gave it -> the stream after the block.
  Tensor forward(const Tensor& x, const Tensor& read, const std::array<Modulation, 3>& modulations) const;

 private:
  BranchNorm norm1_, norm2_;
  nn::Attention attn_;
  std::optional<nn::Attention> attn2_;  // of the images in the first blocks (Stable Diffusion 3.5)
  std::optional<nn::Mlp> mlp_;
  nn::AdaLN ada_ln_;
};

/// A block of MM-DiT (Esser et al. 2024, "Scaling rectified flow transformers for high-resolution image synthesis"): two
/// streams with weights of their own, and one attention over the tokens of both. It is not a DiTBlock, because every
/// layer, every modulation and the sum after the attention occur twice there, and no stream has cross-attention,
/// attention along axes, or a choice of norms and MLPs.
class JointBlock : public nn::Module<JointBlock> {
 public:
  JointBlock() = default;
  JointBlock(const DiTConfig& config, Generator& rng, int64_t index);

  /// x [B, T + L, D], the tokens of a clip and then those of its text, -> like x; of the last block [B, T, D].
  /// `silu_condition` is silu(condition), [B, D]. T is the number of tokens of the context's grid.
  Tensor forward(const Tensor& x, const Tensor& silu_condition, const DiTContext& context) const;
  void visit(nn::Visitor& v) override;

 private:
  int64_t heads_ = 1;
  JointStream x_block_, context_block_;
};

}  // namespace ditharos::models
