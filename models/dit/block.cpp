#include <ditharos/models/dit/block.h>

namespace ditharos::models {

DiTBlock::DiTBlock(const DiTConfig& config, Generator& rng)
    : attn_(config.hidden, config.heads, rng),
      mlp_(config.hidden, config.mlp_hidden(), rng),
      ada_ln_(config.hidden, 6, rng) {}

Tensor DiTBlock::forward(const Tensor& x, const Tensor& activated) const {
  const std::vector<Tensor> m = ada_ln_(activated);  // 6 x [B, D]
  const Tensor &shift_msa = m[0], &scale_msa = m[1], &gate_msa = m[2];
  const Tensor &shift_mlp = m[3], &scale_mlp = m[4], &gate_mlp = m[5];
  const Tensor branch = attn_(layer_norm_modulate(x, shift_msa, scale_msa));
  const GatedNorm attended = gated_residual_norm(x, gate_msa, branch, shift_mlp, scale_mlp);
  return gated_residual(attended.residual, gate_mlp, mlp_(attended.normalized));
}

void DiTBlock::visit(nn::Visitor& v) {
  v("attn", attn_);
  v("mlp", mlp_);
  v("adaLN_modulation", ada_ln_);
}

FinalLayer::FinalLayer(int64_t width, int64_t outputs, Generator& rng)
    : linear_(width, outputs, rng), ada_ln_(width, 2, rng) {
  linear_.weight = nn::Parameter(zeros(linear_.weight.shape()));
  linear_.keep_f32();
}

Tensor FinalLayer::forward(const Tensor& x, const Tensor& activated) const {
  const std::vector<Tensor> m = ada_ln_(activated);  // shift, scale: 2 x [B, D]
  return linear_(layer_norm_modulate(x, m[0], m[1]));
}

void FinalLayer::visit(nn::Visitor& v) {
  v("linear", linear_);
  v("adaLN_modulation", ada_ln_);
}

}  // namespace ditharos::models
