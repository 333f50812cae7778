#include <ditharos/models/dit/joint_block.h>

#include <ditharos/autograd/ops.h>

namespace ditharos::models {

JointStream::JointStream(const DiTConfig& config, bool is_text, int64_t index, Generator& rng)
    : norm1_(config, config.norm_eps), norm2_(config, config.mlp_norm_eps) {
  const bool ends = is_text && index == config.depth - 1, dual = !is_text && index < config.dual_attention_blocks;
  nn::AttentionOptions options{
      .width = config.hidden, .heads = config.heads, .qk_norm = config.qk_norm, .qkv_bias = config.qkv_bias};
  if (dual) attn2_.emplace(options, rng);
  options.output = !ends;
  attn_ = nn::Attention(options, rng);
  if (!ends) mlp_.emplace(config.hidden, config.mlp_hidden(), rng);
  ada_ln_ = nn::AdaLN(config.hidden, ends ? 2 : dual ? 9 : 6, rng);
}

std::array<Modulation, 3> JointStream::modulations(const Tensor& silu_condition) const {
  const std::vector<Tensor> chunks = ada_ln_(silu_condition);  // [B, D] each
  std::array<Modulation, 3> all;
  if (!continues()) {
    all[0] = {.shift = chunks[0], .scale = chunks[1]};
    return all;
  }
  for (size_t i = 0; i < chunks.size() / 3; ++i)
    all[i] = {.shift = chunks[3 * i], .scale = chunks[3 * i + 1], .gate = chunks[3 * i + 2]};
  return all;
}

Tensor JointStream::forward(const Tensor& x, const Tensor& read, const std::array<Modulation, 3>& m,
                            FeatureCache* cache) const {
  const Modulation &attention = m[0], &mlp = m[1], &second = m[2];
  Tensor sum = x, gate = attention.gate, branch = read;
  if (attn2_) {
    sum = add_branch(x, gate, branch), gate = second.gate;
    branch = cached(cache, [&] { return attn2_->reduced(norm1_.reduced(x, second)); });
  }
  const GatedNorm attended = norm2_.after_branch(sum, gate, branch, mlp);
  return add_branch(attended.residual, mlp.gate, cached(cache, [&] { return mlp_->reduced(attended.normalized); }));
}

void JointStream::visit(nn::Visitor& v) {
  v("norm1", norm1_);
  v("attn", attn_);
  v("attn2", attn2_);
  v("norm2", norm2_);
  v("mlp", mlp_);
  v("adaLN_modulation", ada_ln_);
}

JointBlock::JointBlock(const DiTConfig& config, Generator& rng, int64_t index)
    : heads_(config.heads), x_block_(config, false, index, rng), context_block_(config, true, index, rng) {}

Tensor JointBlock::forward(const Tensor& x, const Tensor& silu_condition, const DiTContext& context) const {
  const int64_t tokens = context.grid.tokens(), all = x.size(1);
  const auto of_clip = [&](const Tensor& both) { return slice(both, 1, 0, tokens); };
  const auto of_text = [&](const Tensor& both) { return slice(both, 1, tokens, all); };
  const Tensor clip = of_clip(x), text = of_text(x);
  const auto clip_modulations = x_block_.modulations(silu_condition);
  const auto text_modulations = context_block_.modulations(silu_condition);

  const nn::AttentionInputs inputs{.mask = context.text_mask, .positions = context.joint};
  const Tensor clip_normalized = x_block_.norm1().reduced(clip, clip_modulations[0]),
               text_normalized = context_block_.norm1().reduced(text, text_modulations[0]);
  Tensor clip_read, text_read;
  const auto attend = [&] {
    clip_read = x_block_.attention().with(clip_normalized, [&](const Tensor& clip_qkv) {
      Tensor part;
      text_read = context_block_.attention().with(text_normalized, [&](const Tensor& text_qkv) {
        const Tensor read = nn::packed_attention(cat({clip_qkv, text_qkv}, 1), heads_, inputs);
        part = of_clip(read);
        return of_text(read);
      });
      return part;
    });
  };
  FeatureCache* cache = context.cache;
  if (cache == nullptr) {
    attend();
  } else {
    const Tensor both = cache->branch([&] { return attend(), cat({clip_read, text_read}, 1); });
    clip_read = of_clip(both), text_read = of_text(both);
  }
  const Tensor next = x_block_(clip, clip_read, clip_modulations, cache);
  return context_block_.continues() ? cat({next, context_block_(text, text_read, text_modulations, cache)}, 1) : next;
}

void JointBlock::visit(nn::Visitor& v) {
  v("x_block", x_block_);
  v("context_block", context_block_);
}

}  // namespace ditharos::models
