#include <ditharos/models/dit/video_block.h>

#include <ditharos/autograd/ops.h>

namespace ditharos::models {

VideoBlock::TextBranch::TextBranch(const VideoDiTConfig& config, Generator& rng)
    : shift(zeros({config.hidden})),
      scale(zeros({config.hidden})),
      attention(config, rng) {}

void VideoBlock::TextBranch::visit(nn::Visitor& v) {
  v("norm.shift", shift);
  v("norm.scale", scale);
  v("attn", attention);
}

VideoBlock::VideoBlock(const VideoDiTConfig& config, AttentionSpan span, Generator& rng)
    : attn_(config, span, rng), mlp_(config.hidden, config.mlp_hidden(), rng), ada_ln_(config.hidden, 6, rng) {
  if (config.has_text()) text_.emplace(config, rng);
}

Tensor VideoBlock::forward(const Tensor& x, const Tensor& activated, const ClipContext& clip) const {
  const std::vector<Tensor> m = ada_ln_(activated);  // 6 x [G, D]
  const Tensor &shift_msa = m[0], &scale_msa = m[1], &gate_msa = m[2];
  const Tensor &shift_mlp = m[3], &scale_mlp = m[4], &gate_mlp = m[5];
  const Tensor branch = attn_(layer_norm_modulate(x, shift_msa, scale_msa), clip);
  if (!text_) {
    const GatedNorm attended = gated_residual_norm(x, gate_msa, branch, shift_mlp, scale_mlp);
    return gated_residual(attended.residual, gate_mlp, mlp_(attended.normalized));
  }
  const Shape rows = activated.shape();
  const GatedNorm attended =
      gated_residual_norm(x, gate_msa, branch, expand(text_->shift, rows), expand(text_->scale, rows));
  const Tensor read = attended.residual + text_->attention(attended.normalized, clip);
  return gated_residual(read, gate_mlp, mlp_(layer_norm_modulate(read, shift_mlp, scale_mlp)));
}

void VideoBlock::visit(nn::Visitor& v) {
  v("attn", attn_);
  v("text", text_);
  v("mlp", mlp_);
  v("adaLN_modulation", ada_ln_);
}

}  // namespace ditharos::models
