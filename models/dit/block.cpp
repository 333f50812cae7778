#include <ditharos/models/dit/block.h>

#include <cmath>

#include <ditharos/autograd/ops.h>
#include <ditharos/nn/init.h>

namespace ditharos::models {
namespace {

/// The table of adaLN-single, which starts as N(0, 1 / D).
nn::Parameter make_scale_shift_table(int64_t chunks, int64_t width, Generator& rng) {
  return nn::Parameter(nn::init::normal({chunks, width}, 1 / std::sqrt(double(width)), rng));
}

}  // namespace

DiTBlock::TextBranch::TextBranch(const DiTConfig& config, Generator& rng)
    : shift(zeros({config.hidden})), scale(zeros({config.hidden})),
      attention(
          {.width = config.hidden, .heads = config.heads, .context_width = config.text.width, .zero_output = true},
          rng) {}

void DiTBlock::TextBranch::visit(nn::Visitor& v) {
  v("norm.shift", shift);
  v("norm.scale", scale);
  v("attn", attention);
}

DiTBlock::DiTBlock(const DiTConfig& config, Generator& rng, int64_t index)
    : layout_(config.attention), axes_(attention_axes(config.attention, index, config.depth)), heads_(config.heads),
      has_shift_(config.modulation_shift), has_gate_(config.has_gates()), norm1_(config, config.norm_eps),
      norm2_(config, config.mlp_norm_eps) {
  const int64_t width = config.hidden, chunks = config.modulation_chunks();
  const nn::AttentionOptions self{
      .width = width, .heads = heads_, .qk_norm = config.qk_norm, .qkv_bias = config.qkv_bias};
  attn_ = nn::Attention(self, rng);
  if (layout_ == AttentionLayout::sequential) temporal_attn_.emplace(self, rng);
  switch (config.mlp) {
    case MlpKind::gelu_tanh: mlp_.emplace(width, config.mlp_hidden(), rng); break;
    case MlpKind::swiglu: swiglu_.emplace(width, config.mlp_hidden(), rng);
  }
  if (config.conditioning == Conditioning::ada_ln_single)
    scale_shift_table_ = make_scale_shift_table(chunks, width, rng);
  else if (chunks > 0) ada_ln_.emplace(width, chunks, rng, has_gate_);
  if (config.condition() == Condition::prompt) text_.emplace(config, rng);
  nn::AttentionOptions cross = self;
  cross.context_width = width, cross.qk_norm = false, cross.zero_output = config.attends_to_text(index);
  if (config.conditioning == Conditioning::cross_attention) norm_cross_.emplace(config, config.norm_eps);
  if (norm_cross_ || config.attends_to_text(index)) cross_attn_.emplace(cross, rng);
}

Tensor DiTBlock::forward(const Tensor& x, const Tensor& condition, const DiTContext& context) const {
  const std::array<Modulation, 2> modulated = modulations(condition);
  const Modulation &attention = modulated[0], &mlp = modulated[1];
  FeatureCache* cache = context.cache;
  Tensor h = x, gate = attention.gate;
  Tensor branch = cached(cache, [&] { return attend(norm1_.reduced(x, attention), context); });
  // Adds the last branch to h, and gives the norm of the sum, which the next branch takes.
  const auto next = [&](const BranchNorm& norm, const Modulation& modulation) {
    auto [residual, normalized] = norm.after_branch(h, gate, branch, modulation);
    h = residual, gate = {};
    return normalized;
  };
  if (text_) {
    const Shape groups{x.size(0), x.size(2)};
    const Tensor normalized =
        next(BranchNorm{}, {.shift = expand(text_->shift, groups), .scale = expand(text_->scale, groups)});
    branch = cached(cache, [&] { return read_prompt(normalized, context); });
  }
  if (norm_cross_) {
    const Tensor normalized = next(*norm_cross_, {});
    branch = cached(cache, [&] { return cross_attend(normalized, {.context = context.condition}, context); });
  } else if (cross_attn_) {  // to a text, without a norm
    h = add_branch(h, gate, branch), gate = {};
    branch =
        cached(cache, [&] { return cross_attend(h, {.context = context.text, .mask = context.text_mask}, context); });
  }
  const Tensor normalized = next(norm2_, mlp);
  branch = cached(cache, [&] { return feed_forward(normalized); });
  return add_branch(h, mlp.gate, branch);
}

std::array<Modulation, 2> DiTBlock::modulations(const Tensor& condition) const {
  std::array<Modulation, 2> all;
  if (!ada_ln_ && !scale_shift_table_.defined()) return all;
  const std::vector<Tensor> chunks =  // [G, D] each
      ada_ln_ ? (*ada_ln_)(condition)
              : chunk(condition + reshape(scale_shift_table_, {-1}), scale_shift_table_.size(0), -1);
  auto part = chunks.begin();
  for (Modulation& m : all) {
    if (has_shift_) m.shift = *part++;
    m.scale = *part++;
    if (has_gate_) m.gate = *part++;
  }
  return all;
}

Tensor DiTBlock::attend(const Tensor& x, const DiTContext& context) const {
  if (layout_ == AttentionLayout::split_heads) return attend_with_split_heads(x, context);
  const Tensor y = attend_along(attn_, axes_, x, context);
  return temporal_attn_ ? attend_along(*temporal_attn_, AttentionAxes::temporal, y, context) : y;
}

Tensor DiTBlock::attend_along(const nn::Attention& attention, AttentionAxes axes, const Tensor& x,
                              const DiTContext& context) const {
  const nn::AttentionInputs inputs{.positions = context.positions(axes)};
  return from_sequences(attention.reduced(to_sequences(x, axes, context), inputs), axes, context, x.shape());
}

Tensor DiTBlock::attend_with_split_heads(const Tensor& x, const DiTContext& context) const {
  const int64_t groups = x.size(0), tokens = x.size(1), half = x.size(2) / 2;
  return attn_.with(x, [&](const Tensor& qkv) {
    const Tensor parts = reshape(qkv, {groups, tokens, 3, 2, half});
    std::vector<Tensor> reads;
    for (const AttentionAxes axes : {AttentionAxes::spatial, AttentionAxes::temporal}) {
      const Tensor part = select(parts, 3, axes == AttentionAxes::spatial ? 0 : 1);
      Tensor sequences = to_sequences(reshape(part, {groups, tokens, 3 * half}), axes, context);
      if (const RotaryTable& table = context.positions(axes); table.cosines.defined())
        sequences = rope(sequences, table.cosines, table.sines, heads_ / 2, table.pairs);
      reads.push_back(from_sequences(attention(sequences, heads_ / 2), axes, context, {groups, tokens, half}));
    }
    return cat(reads, -1);
  });
}

Tensor DiTBlock::read_prompt(const Tensor& x, const DiTContext& context) const {
  const nn::AttentionInputs prompt{.context = context.text, .mask = context.text_mask};
  const Tensor tokens = to_sequences(x, AttentionAxes::joint, context);  // [B, T, D]
  return reshape(text_->attention.reduced(tokens, prompt), x.shape());
}

Tensor DiTBlock::cross_attend(const Tensor& x, const nn::AttentionInputs& to, const DiTContext& context) const {
  const Tensor tokens = to_sequences(x, AttentionAxes::joint, context);  // [B, T, D]
  return reshape(cross_attn_->reduced(tokens, to), x.shape());
}

void DiTBlock::visit(nn::Visitor& v) {
  v("scale_shift_table", scale_shift_table_);
  v("norm1", norm1_);
  v("attn", attn_);
  v("temporal_attn", temporal_attn_);
  v("text", text_);
  v("norm_cross", norm_cross_);
  v("cross_attn", cross_attn_);
  v("norm2", norm2_);
  v("mlp", mlp_);
  v("mlp", swiglu_);
  v("adaLN_modulation", ada_ln_);
}

FinalLayer::FinalLayer(const DiTConfig& config, Generator& rng)
    : norm_(config, config.norm_eps), linear_(config.hidden, config.out_volume(), rng) {
  linear_.weight = nn::Parameter(zeros(linear_.weight.shape()));
  linear_.keep_f32();
  if (config.conditioning == Conditioning::ada_ln_single)
    scale_shift_table_ = make_scale_shift_table(2, config.hidden, rng);
  else if (config.modulation_chunks() > 0) ada_ln_.emplace(config.hidden, 2, rng, config.has_gates());
}

Tensor FinalLayer::forward(const Tensor& x, const Tensor& condition) const {
  if (scale_shift_table_.defined()) {
    const auto sum = [&](int64_t row) { return condition + select(scale_shift_table_, 0, row); };  // [G, D]
    return linear_(norm_.reduced(x, Modulation{.shift = sum(0), .scale = sum(1)}));
  }
  if (!ada_ln_) return linear_(norm_.reduced(x, Modulation{}));
  const std::vector<Tensor> m = (*ada_ln_)(condition);  // shift, scale: 2 x [G, D]
  return linear_(norm_.reduced(x, Modulation{.shift = m[0], .scale = m[1]}));
}

void FinalLayer::visit(nn::Visitor& v) {
  v("scale_shift_table", scale_shift_table_);
  v("norm_final", norm_);
  v("linear", linear_);
  v("adaLN_modulation", ada_ln_);
}

}  // namespace ditharos::models
