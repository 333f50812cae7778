#include <ditharos/models/dit/block.h>

#include <ditharos/autograd/ops.h>

namespace ditharos::models {

DiTBlock::TextBranch::TextBranch(const DiTConfig& config, Generator& rng)
    : shift(zeros({config.hidden})),
      scale(zeros({config.hidden})),
      attention({.width = config.hidden, .heads = config.heads, .context_width = config.text.width,
                 .zero_output = true}, rng) {}

void DiTBlock::TextBranch::visit(nn::Visitor& v) {
  v("norm.shift", shift);
  v("norm.scale", scale);
  v("attn", attention);
}

DiTBlock::DiTBlock(const DiTConfig& config, Generator& rng, int64_t index)
    : axes_(attention_axes(config.attention, index)),
      attn_({.width = config.hidden, .heads = config.heads, .qk_norm = config.qk_norm}, rng),
      mlp_(config.hidden, config.mlp_hidden(), rng),
      ada_ln_(config.hidden, 6, rng) {
  if (config.condition() == Condition::prompt) text_.emplace(config, rng);
}

Tensor DiTBlock::forward(const Tensor& x, const Tensor& silu_condition, const DiTContext& context) const {
  const std::vector<Tensor> m = ada_ln_(silu_condition);  // 6 x [G, D]
  const Tensor &shift_msa = m[0], &scale_msa = m[1], &gate_msa = m[2];
  const Tensor &shift_mlp = m[3], &scale_mlp = m[4], &gate_mlp = m[5];
  const Tensor branch =
      cached(context.cache, [&] { return attend(layer_norm_modulate(x, shift_msa, scale_msa), context); });
  if (!text_) {
    const GatedNorm attended = gated_residual_norm(x, gate_msa, branch, shift_mlp, scale_mlp);
    return gated_residual(attended.residual, gate_mlp, cached(context.cache, [&] { return mlp_(attended.normalized); }));
  }
  const Tensor shift = expand(text_->shift, gate_msa.shape()), scale = expand(text_->scale, gate_msa.shape());
  const GatedNorm attended = gated_residual_norm(x, gate_msa, branch, shift, scale);
  const Tensor read =
      attended.residual + cached(context.cache, [&] { return read_prompt(attended.normalized, context); });
  return gated_residual(read, gate_mlp, cached(context.cache, [&] {
                          return mlp_(layer_norm_modulate(read, shift_mlp, scale_mlp));
                        }));
}

Tensor DiTBlock::attend(const Tensor& x, const DiTContext& context) const {
  const nn::AttentionInputs inputs{.positions = context.positions(axes_)};
  return from_sequences(attn_(to_sequences(x, axes_, context), inputs), axes_, context, x.shape());
}

Tensor DiTBlock::read_prompt(const Tensor& x, const DiTContext& context) const {
  const nn::AttentionInputs prompt{.context = context.text, .mask = context.text_mask};
  const Tensor tokens = to_sequences(x, AttentionAxes::joint, context);  // [B, T, D]
  return reshape(text_->attention(tokens, prompt), x.shape());
}

void DiTBlock::visit(nn::Visitor& v) {
  v("attn", attn_);
  v("text", text_);
  v("mlp", mlp_);
  v("adaLN_modulation", ada_ln_);
}

FinalLayer::FinalLayer(int64_t width, int64_t outputs, Generator& rng)
    : linear_(width, outputs, rng), ada_ln_(width, 2, rng) {
  linear_.weight = nn::Parameter(zeros(linear_.weight.shape()));
  linear_.keep_f32();
}

Tensor FinalLayer::forward(const Tensor& x, const Tensor& silu_condition) const {
  const std::vector<Tensor> m = ada_ln_(silu_condition);  // shift, scale: 2 x [G, D]
  return linear_(layer_norm_modulate(x, m[0], m[1]));
}

void FinalLayer::visit(nn::Visitor& v) {
  v("linear", linear_);
  v("adaLN_modulation", ada_ln_);
}

}  // namespace ditharos::models
