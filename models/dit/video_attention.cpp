#include <ditharos/models/dit/video_attention.h>

#include <ditharos/autograd/ops.h>

namespace ditharos::models {

SpanAttention::SpanAttention(const VideoDiTConfig& config, AttentionSpan span, Generator& rng)
    : span_(span),
      heads_(config.heads),
      qkv_(config.hidden, 3 * config.hidden, rng),
      proj_(config.hidden, config.hidden, rng) {
  if (!config.qk_norm) return;
  q_norm_ = nn::Parameter(ones({config.head_size()}));
  k_norm_ = nn::Parameter(ones({config.head_size()}));
}

Tensor SpanAttention::forward(const Tensor& x, const ClipContext& clip) const {
  const int64_t frames = clip.grid.frames, places = clip.grid.rows * clip.grid.columns, width = x.size(-1);
  switch (span_) {
    case AttentionSpan::clip: {
      const Tensor mixed = attend(reshape(x, {clip.batch, frames * places, width}), clip.clip);
      return reshape(mixed, x.shape());
    }
    case AttentionSpan::frame: {
      const Tensor mixed = attend(reshape(x, {clip.batch * frames, places, width}), clip.frame);
      return reshape(mixed, x.shape());
    }
    case AttentionSpan::place: break;
  }
  const auto swapped = [&](const Tensor& tokens, int64_t outer, int64_t inner) {
    return permute(reshape(tokens, {clip.batch, outer, inner, width}), {0, 2, 1, 3});
  };
  const Tensor by_place = reshape(swapped(x, frames, places), {clip.batch * places, frames, width});
  return reshape(swapped(attend(by_place, clip.place), places, frames), x.shape());
}

Tensor SpanAttention::attend(const Tensor& x, const RotaryTable& positions) const {
  const Tensor qkv = q_norm_.defined() ? normalized(qkv_(x)) : qkv_(x);  // [N, tokens of a span, 3 D]
  if (!positions.cosines.defined()) return proj_(attention(qkv, heads_));
  return proj_(attention(rope(qkv, positions.cosines, positions.sines, heads_), heads_));
}

Tensor SpanAttention::normalized(const Tensor& qkv) const {
  const int64_t width = qkv.size(2) / 3;
  const auto rows = [&](const Tensor& part, const Tensor& factors) {
    const Tensor heads = reshape(part, {part.size(0), part.size(1), heads_, width / heads_});
    return reshape(rms_norm(heads, factors), part.shape());
  };
  const std::vector<Tensor> parts = chunk(qkv, 3, -1);
  return cat({rows(parts[0], q_norm_), rows(parts[1], k_norm_), parts[2]}, -1);
}

void SpanAttention::visit(nn::Visitor& v) {
  v("qkv", qkv_);
  v("q_norm.weight", q_norm_);
  v("k_norm.weight", k_norm_);
  v("proj", proj_);
}

TextAttention::TextAttention(const VideoDiTConfig& config, Generator& rng)
    : heads_(config.heads),
      q_(config.hidden, config.hidden, rng),
      kv_(config.text.width, 2 * config.hidden, rng),
      proj_(config.hidden, config.hidden, rng) {
  proj_.weight = nn::Parameter(zeros(proj_.weight.shape()));
}

Tensor TextAttention::forward(const Tensor& x, const ClipContext& clip) const {
  const int64_t width = x.size(-1);
  const auto heads_of = [&](const Tensor& part) {  // [B, H, tokens, D / H]
    return permute(reshape(part, {clip.batch, -1, heads_, width / heads_}), {0, 2, 1, 3});
  };
  const std::vector<Tensor> kv = chunk(kv_(clip.text), 2, -1);  // 2 x [B, L, D]
  const Tensor read = scaled_dot_product_attention(heads_of(q_(x)), heads_of(kv[0]), heads_of(kv[1]), clip.text_mask);
  return proj_(reshape(permute(read, {0, 2, 1, 3}), x.shape()));
}

void TextAttention::visit(nn::Visitor& v) {
  v("q", q_);
  v("kv", kv_);
  v("proj", proj_);
}

}  // namespace ditharos::models
