#pragma once
// What surrounds a branch of a block: the norm before it, the modulation by the condition, and the gated sum after it.
#include <ditharos/autograd/ops.h>
#include <ditharos/models/dit/config.h>
#include <ditharos/nn/module.h>

namespace ditharos::models {

/// What the condition does to a branch f of a block: x + gate f(norm(x) (1 + scale) + shift); [G, D] each. An undefined
/// one does nothing.
struct Modulation {
  Tensor shift = {}, scale = {}, gate = {};
};

/// x + gate y, or x + y without a gate; x, y [G, T, D]. y may be bf16, the result of a reduced() (nn/linear.h).
Tensor add_branch(const Tensor& x, const Tensor& gate, const Tensor& y);

/// The norm before a branch, see Norm, modulated by the condition. It runs the fused operations where they exist.
class BranchNorm : public nn::Module<BranchNorm> {
 public:
  BranchNorm() = default;
  /// The kind of norm is the configuration's.
  BranchNorm(const DiTConfig& config, double eps);

  /// x [G, T, D] -> norm(x) (1 + scale) + shift. The gate is not used here.
  Tensor forward(const Tensor& x, const Modulation& modulation) const;
  /// The same for products alone: bf16 in an Autocast scope (autograd/ops/reduced.h), unless hooks want to see it.
  Tensor reduced(const Tensor& x, const Modulation& modulation) const;
  /// residual = add_branch(x, gate, y), normalized = reduced(residual, modulation), in one pass where it can be.
  GatedNorm after_branch(const Tensor& x, const Tensor& gate, const Tensor& y, const Modulation& modulation) const;
  void visit(nn::Visitor& v) override;

 private:
  bool fuses(const Modulation& m) const { return !weight_.defined() && m.shift.defined() && m.scale.defined(); }

  double eps_ = 1e-6;
  Norm kind_ = Norm::layer;
  nn::Parameter weight_, bias_;  // [D], ones and zeros; undefined for a layer norm that is not affine
};

}  // namespace ditharos::models
