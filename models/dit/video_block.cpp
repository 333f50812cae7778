#include <ditharos/models/dit/video_block.h>

#include <ditharos/autograd/ops.h>

namespace ditharos::models {

VideoBlock::TextBranch::TextBranch(const VideoDiTConfig& config, Generator& rng)
    : shift(zeros({config.hidden})),
      scale(zeros({config.hidden})),
      attention({.width = config.hidden, .heads = config.heads, .context_width = config.text.width,
                 .zero_output = true}, rng) {}

void VideoBlock::TextBranch::visit(nn::Visitor& v) {
  v("norm.shift", shift);
  v("norm.scale", scale);
  v("attn", attention);
}

VideoBlock::VideoBlock(const VideoDiTConfig& config, AttentionSpan span, Generator& rng)
    : span_(span),
      attn_({.width = config.hidden, .heads = config.heads, .qk_norm = config.qk_norm}, rng),
      mlp_(config.hidden, config.mlp_hidden(), rng),
      ada_ln_(config.hidden, 6, rng) {
  if (config.has_text()) text_.emplace(config, rng);
}

Tensor VideoBlock::forward(const Tensor& x, const Tensor& activated, const ClipContext& clip) const {
  const std::vector<Tensor> m = ada_ln_(activated);  // 6 x [G, D]
  const Tensor &shift_msa = m[0], &scale_msa = m[1], &gate_msa = m[2];
  const Tensor &shift_mlp = m[3], &scale_mlp = m[4], &gate_mlp = m[5];
  const Tensor spans = to_spans(layer_norm_modulate(x, shift_msa, scale_msa), span_, clip);
  const nn::AttentionInputs positions{.positions = clip.positions(span_)};
  const Tensor branch = from_spans(attn_(spans, positions), span_, clip, x.shape());
  if (!text_) {
    const GatedNorm attended = gated_residual_norm(x, gate_msa, branch, shift_mlp, scale_mlp);
    return gated_residual(attended.residual, gate_mlp, mlp_(attended.normalized));
  }
  const Shape rows = activated.shape();
  const GatedNorm attended =
      gated_residual_norm(x, gate_msa, branch, expand(text_->shift, rows), expand(text_->scale, rows));
  const Tensor tokens = reshape(attended.normalized, {clip.batch, -1, x.size(-1)});  // [B, T, D]
  const Tensor of_prompt = text_->attention(tokens, nn::AttentionInputs{.context = clip.text, .mask = clip.text_mask});
  const Tensor read = attended.residual + reshape(of_prompt, x.shape());
  return gated_residual(read, gate_mlp, mlp_(layer_norm_modulate(read, shift_mlp, scale_mlp)));
}

void VideoBlock::visit(nn::Visitor& v) {
  v("attn", attn_);
  v("text", text_);
  v("mlp", mlp_);
  v("adaLN_modulation", ada_ln_);
}

}  // namespace ditharos::models
