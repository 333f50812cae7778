#include <ditharos/models/dit/branch.h>

#include <ditharos/autograd/ops/reduced.h>
#include <ditharos/tensor/factory.h>

namespace ditharos::models {

Tensor add_branch(const Tensor& x, const Tensor& gate, const Tensor& y) {
  return gate.defined() ? gated_residual(x, gate, y) : x + ditharos::reduced::widened(y);
}

BranchNorm::BranchNorm(const DiTConfig& config, double eps) : eps_(eps), kind_(config.norm) {
  const bool affine = config.condition_tokens() > 0;
  if (affine || kind_ == Norm::rms) weight_ = nn::Parameter(ones({config.hidden}));
  if (affine && kind_ == Norm::layer) bias_ = nn::Parameter(zeros({config.hidden}));
}

Tensor BranchNorm::reduced(const Tensor& x, const Modulation& m) const {
  if (has_hooks(*this) || !fuses(m)) return (*this)(x, m);
  return call([&] { return ditharos::reduced::layer_norm_modulate(x, m.shift, m.scale, eps_); });
}

Tensor BranchNorm::forward(const Tensor& x, const Modulation& m) const {
  if (fuses(m)) return layer_norm_modulate(x, m.shift, m.scale, eps_);
  Tensor y = kind_ == Norm::rms ? rms_norm(x, weight_, eps_) : layer_norm(x, weight_, bias_, eps_);
  if (m.scale.defined()) y = y * (unsqueeze(m.scale, 1) + 1.0);
  return m.shift.defined() ? y + unsqueeze(m.shift, 1) : y;
}

GatedNorm BranchNorm::after_branch(const Tensor& x, const Tensor& gate, const Tensor& y, const Modulation& m) const {
  if (gate.defined() && fuses(m)) return ditharos::reduced::gated_residual_norm(x, gate, y, m.shift, m.scale, eps_);
  const Tensor residual = add_branch(x, gate, y);
  return {residual,
          fuses(m) ? ditharos::reduced::layer_norm_modulate(residual, m.shift, m.scale, eps_) : forward(residual, m)};
}

void BranchNorm::visit(nn::Visitor& v) {
  v("weight", weight_);
  v("bias", bias_);
}

}  // namespace ditharos::models
