#include <ditharos/nn/attention.h>

#include <cmath>
#include <vector>

#include <ditharos/autograd/ops/reduced.h>

namespace ditharos::nn {
namespace {

/// q [B, T, D], k and v [B, S, D] -> [B, T, D], which products alone read.
Tensor attend(const Tensor& q, const Tensor& k, const Tensor& v, int64_t heads, const Tensor& mask, bool causal) {
  const auto heads_of = [&](const Tensor& part) {  // [B, heads, tokens, head size]
    return permute(reshape(part, {part.size(0), part.size(1), heads, part.size(2) / heads}), {0, 2, 1, 3});
  };
  const Tensor read = reduced::scaled_dot_product_attention(heads_of(q), heads_of(k), heads_of(v), mask, causal);
  return reshape(permute(read, {0, 2, 1, 3}), q.shape());
}

/// packed_attention for a result that products alone read.
Tensor attend_packed(const Tensor& packed, int64_t heads, const AttentionInputs& inputs, bool causal) {
  const RotaryTable& positions = inputs.positions;
  const Tensor qkv =
      positions.cosines.defined() ? rope(packed, positions.cosines, positions.sines, heads, positions.pairs) : packed;
  if (!inputs.mask.defined() && !causal) return reduced::attention(qkv, heads);
  const std::vector<Tensor> parts = chunk(qkv, 3, -1);
  return attend(parts[0], parts[1], parts[2], heads, inputs.mask, causal);
}

}  // namespace

void AttentionOptions::validate() const {
  check<ConfigError>(heads >= 1 && (head_size > 0 || width % heads == 0), "the width ", width, " is not divisible by ",
                     heads, " heads");
  check<ConfigError>(head_size >= 0, "the size of a head must be at least 0, got ", head_size);
  check<ConfigError>(std::isfinite(scale) && scale >= 0, "the scale of the scores must be above 0, or 0 for 1 / ",
                     "sqrt(head size), got ", scale);
  check<ConfigError>(kv_heads >= 0 && (kv_heads == 0 || heads % kv_heads == 0), heads, " heads of queries cannot ",
                     "share ", kv_heads, " heads of keys and values: their number must divide that of the queries");
  check<ConfigError>(context_width >= 0, "the width of the context must be at least 0, got ", context_width);
  check<ConfigError>(output || !zero_output, "zero_output is of the last projection, which output = false leaves out");
  check<ConfigError>(!causal || context_width == 0, "causal attention is among one sequence's tokens: it takes no ",
                     "context");
}

Tensor packed_attention(const Tensor& packed, int64_t heads, const AttentionInputs& inputs, bool causal) {
  return reduced::widened(attend_packed(packed, heads, inputs, causal));
}

Attention::Attention(const AttentionOptions& options, Generator& rng) : heads_(options.heads), causal_(options.causal) {
  options.validate();
  kv_heads_ = options.kv_heads == 0 ? heads_ : options.kv_heads;
  head_size_ = options.head_size == 0 ? options.width / heads_ : options.head_size;
  if (options.scale > 0) query_factor_ = options.scale * std::sqrt(double(head_size_));
  const int64_t width = options.width, inner = heads_ * head_size_, of_keys_and_values = 2 * kv_heads_ * head_size_;
  const bool bias = options.bias && options.qkv_bias;
  if (options.context_width == 0) {
    in_ = Linear(width, inner + of_keys_and_values, rng, bias);
  } else {
    in_ = Linear(width, inner, rng, bias);
    kv_.emplace(options.context_width, of_keys_and_values, rng, bias);
  }
  if (options.output) proj_.emplace(inner, width, rng, options.bias);
  if (options.output && options.zero_output) proj_->weight = Parameter(zeros({width, inner}));
  if (!options.qk_norm) return;
  q_norm_ = Parameter(ones({head_size_}));
  k_norm_ = Parameter(ones({head_size_}));
}

Tensor Attention::forward(const Tensor& x, const AttentionInputs& inputs) const { return projected(read(x, inputs)); }

Tensor Attention::reduced(const Tensor& x, const AttentionInputs& inputs) const {
  if (has_hooks(*this)) return (*this)(x, inputs);
  return call([&] { return proj_ ? proj_->reduced(read(x, inputs)) : read(x, inputs); });
}

/// What the last projection takes, [B, T, heads * head size].
Tensor Attention::read(const Tensor& x, const AttentionInputs& inputs) const {
  check_inputs(inputs);
  if (kv_) {
    const std::vector<Tensor> kv = chunk((*kv_)(inputs.context), 2, -1);
    const Tensor q = queries(in_(x)), k = normalized(kv[0], k_norm_);
    return attend(q, repeated(k), repeated(kv[1]), heads_, inputs.mask, false);
  }
  const bool in_place = is_packed() && !inputs.positions.cosines.defined();  // attention reads the product itself
  return attend_packed(in_place ? in_.reduced(x) : packed(in_(x)), heads_, inputs, causal_);
}

Tensor Attention::projected(const Tensor& read) const { return proj_ ? (*proj_)(read) : reduced::widened(read); }

void Attention::check_inputs(const AttentionInputs& inputs) const {
  if (inputs.context.defined() != kv_.has_value()) [[unlikely]] {
    check(kv_.has_value(), "[Attention] this is self-attention: it takes no context; give AttentionOptions a ",
          "context_width for one");
    fail("[Attention] this is cross-attention: it needs a context [B, S, context_width]");
  }
  check(!kv_ || !inputs.positions.cosines.defined(),
        "[Attention] rotary positions are those of one sequence: ", "cross-attention takes none");
}

/// The projection has the layout of packed() already.
bool Attention::is_packed() const { return !q_norm_.defined() && kv_heads_ == heads_ && query_factor_ == 1; }

/// Queries, keys and values of all heads side by side: [B, T, 3 heads * head size].
Tensor Attention::packed(const Tensor& qkv) const {
  if (is_packed()) return qkv;
  const int64_t width = heads_ * head_size_, kv_width = kv_heads_ * head_size_;
  const Tensor q = slice(qkv, -1, 0, width), k = slice(qkv, -1, width, width + kv_width),
               v = slice(qkv, -1, width + kv_width, width + 2 * kv_width);
  return cat({queries(q), repeated(normalized(k, k_norm_)), repeated(v)}, -1);
}

/// Queries such that their products with the keys, divided by sqrt(head size), are the scores.
Tensor Attention::queries(const Tensor& q) const {
  const Tensor normal = normalized(q, q_norm_);
  return query_factor_ == 1 ? normal : normal * query_factor_;
}

/// Each head of x [B, T, heads of x * head size] after an RMS norm, if the module has one.
Tensor Attention::normalized(const Tensor& x, const Parameter& factors) const {
  if (!factors.defined()) return x;
  return reshape(rms_norm(reshape(x, {x.size(0), x.size(1), -1, head_size_}), factors), x.shape());
}

/// [B, S, kv_heads * head size] -> [B, S, heads * head size]: every head of keys or values as often as heads of queries
/// read it.
Tensor Attention::repeated(const Tensor& x) const {
  if (kv_heads_ == heads_) return x;
  const int64_t batch = x.size(0), tokens = x.size(1), times = heads_ / kv_heads_;
  const Tensor heads = reshape(x, {batch, tokens, kv_heads_, 1, head_size_});
  return reshape(expand(heads, {batch, tokens, kv_heads_, times, head_size_}), {batch, tokens, heads_ * head_size_});
}

void Attention::visit(Visitor& v) {
  v(kv_ ? "q" : "qkv", in_);
  v("kv", kv_);
  v("q_norm.weight", q_norm_);
  v("k_norm.weight", k_norm_);
  v("proj", proj_);
}

}  // namespace ditharos::nn
