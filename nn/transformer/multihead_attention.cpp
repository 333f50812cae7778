#include <ditharos/nn/transformer/multihead_attention.h>

#include <cmath>
#include <limits>
#include <vector>

#include <ditharos/autograd/ops/reduced.h>

namespace ditharos::nn {
namespace {

constexpr const char* type = "MultiheadAttention";
constexpr double infinity = std::numeric_limits<double>::infinity();

/// [B, T, E] -> [B, heads, T, E / heads]
Tensor heads_of(const Tensor& x, int64_t heads) {
  return permute(reshape(x, {x.size(0), x.size(1), heads, x.size(2) / heads}), {0, 2, 1, 3});
}

/// Its inverse.
Tensor merged(const Tensor& x) {
  return reshape(permute(x, {0, 2, 1, 3}), {x.size(0), x.size(2), x.size(1) * x.size(3)});
}

Tensor as_numbers(const Tensor& blocked, DType dtype) {
  return where(blocked, scalar(-infinity, dtype), scalar(0, dtype));
}

/// Both masks in one: booleans, where true means blocked, or numbers to add; undefined if both are.
Tensor combined(const Tensor& a, const Tensor& b) {
  if (!a.defined() || !b.defined()) return a.defined() ? a : b;
  const bool a_blocks = a.dtype() == DType::boolean, b_blocks = b.dtype() == DType::boolean;
  if (a_blocks && b_blocks) return logical_or(a, b);
  return (a_blocks ? as_numbers(a, b.dtype()) : a) + (b_blocks ? as_numbers(b, a.dtype()) : b);
}

/// The masks of a call as one that stretches to [B, heads, T, S].
Tensor mask_of(const MultiheadAttentionInputs& inputs, int64_t batch, int64_t heads, int64_t queries, int64_t keys) {
  Tensor padding = inputs.key_padding_mask, mask = inputs.attn_mask;
  if (padding.defined()) {
    const bool fits = padding.shape() == Shape{batch, keys} || (batch == 1 && padding.shape() == Shape{keys});
    check<ShapeError>(fits, "[", type, "] the key_padding_mask must be [B, S] = ", Shape{batch, keys}, ", got ",
                      padding.shape());
    padding = reshape(padding, {batch, 1, 1, keys});
  }
  if (mask.defined()) {
    const bool of_heads = mask.shape() == Shape{batch * heads, queries, keys};
    check<ShapeError>(of_heads || mask.shape() == Shape{queries, keys}, "[", type,
                      "] the attn_mask must be [T, S] = ", Shape{queries, keys},
                      " or [B * heads, T, S] = ", Shape{batch * heads, queries, keys}, ", got ", mask.shape());
    if (of_heads) mask = reshape(mask, {batch, heads, queries, keys});
  }
  return combined(padding, mask);
}

struct Weighted {
  Tensor output, weights;  // [B, heads, T, E / heads], [B, heads, T, S]
};

/// Attention with its weights in memory, of which dropout can drop some. The mask is as mask_of() returns it.
Weighted weighted(const Tensor& q, const Tensor& k, const Tensor& v, const Tensor& mask, double dropped) {
  Tensor scores = matmul(q * (1 / std::sqrt(double(q.size(3)))), transpose(k, -2, -1));
  Tensor weights;
  if (!mask.defined()) {
    weights = softmax(scores, -1);
  } else {
    const bool blocks = mask.dtype() == DType::boolean;
    const Tensor blocked = blocks ? mask : equal(mask, -infinity);
    if (!blocks) scores = scores + masked_fill(mask, blocked, 0);
    // A query without any key has weights 0. Its scores are 0 instead of minus infinity, whose softmax is NaN.
    const Tensor fill = where(all(blocked, -1, true), scalar(0, scores.dtype()), scalar(-infinity, scores.dtype()));
    weights = masked_fill(softmax(where(blocked, fill, scores), -1), blocked, 0);
  }
  if (dropped > 0) weights = dropout(weights, dropped, default_generator());
  return {matmul(weights, v), weights};
}

}  // namespace

MultiheadAttention::MultiheadAttention(int64_t embed_dim, int64_t num_heads, const MultiheadAttentionOptions& options,
                                       Generator& rng)
    : width_(embed_dim), heads_(num_heads), options_(options) {
  check<ConfigError>(embed_dim >= 1 && num_heads >= 1 && embed_dim % num_heads == 0, "[", type, "] the width ",
                     embed_dim, " is not divisible by ", num_heads, " heads");
  check<ConfigError>(options.dropout >= 0 && options.dropout < 1, "[", type,
                     "] the dropout probability must be in [0, 1), got ", options.dropout);
  check<ConfigError>(options.kdim >= 0 && options.vdim >= 0, "[", type, "] kdim and vdim must be at least 0, got ",
                     options.kdim, " and ", options.vdim);
  const int64_t kdim = options.kdim ? options.kdim : embed_dim, vdim = options.vdim ? options.vdim : embed_dim;
  const auto drawn = [&](int64_t rows, int64_t columns) {
    Parameter weight(empty({rows, columns}));
    init::xavier_uniform_(weight, 1, rng);
    return weight;
  };
  if (kdim == embed_dim && vdim == embed_dim) {
    in_proj_weight = drawn(3 * embed_dim, embed_dim);
  } else {
    q_proj_weight = drawn(embed_dim, embed_dim);
    k_proj_weight = drawn(embed_dim, kdim);
    v_proj_weight = drawn(embed_dim, vdim);
  }
  if (options.bias) in_proj_bias = Parameter(zeros({3 * embed_dim}));
  if (options.add_bias_kv) {
    bias_k = Parameter(empty({1, 1, embed_dim}));
    bias_v = Parameter(empty({1, 1, embed_dim}));
    for (Parameter* bias : {&bias_k, &bias_v}) init::xavier_normal_(*bias, 1, rng);
  }
  out_proj = Linear(embed_dim, embed_dim, rng, options.bias);
  out_proj.weight = Parameter(init::fan_in_uniform({embed_dim, embed_dim}, {embed_dim, embed_dim}, rng));
}

void MultiheadAttention::visit(Visitor& v) {
  v("in_proj_weight", in_proj_weight);
  v("q_proj_weight", q_proj_weight);
  v("k_proj_weight", k_proj_weight);
  v("v_proj_weight", v_proj_weight);
  v("in_proj_bias", in_proj_bias);
  v("bias_k", bias_k);
  v("bias_v", bias_v);
  v("out_proj", out_proj);
}

void MultiheadAttention::check_sequences(const Tensor& query, const Tensor& key, const Tensor& value) const {
  check(width_ > 0, "[", type, "] it has no weights: it was made by the default constructor; construct it with its ",
        "sizes");
  const int rank = query.rank(), batch = options_.batch_first ? 0 : 1, steps = 1 - batch;
  bool fit = (rank == 2 || rank == 3) && key.rank() == rank && value.rank() == rank;
  if (fit && rank == 2) fit = key.size(0) == value.size(0);
  if (fit && rank == 3)
    fit = key.size(batch) == query.size(batch) && value.size(batch) == query.size(batch) &&
          key.size(steps) == value.size(steps);
  const int64_t kdim = options_.kdim ? options_.kdim : width_, vdim = options_.vdim ? options_.vdim : width_;
  fit = fit && query.size(-1) == width_ && key.size(-1) == kdim && value.size(-1) == vdim;
  check<ShapeError>(fit, "[", type, "] needs queries ", options_.batch_first ? "[B, T, " : "[T, B, ", width_,
                    "], keys ", options_.batch_first ? "[B, S, " : "[S, B, ", kdim, "] and values ",
                    options_.batch_first ? "[B, S, " : "[S, B, ", vdim, "], or all without B, got ", query.shape(),
                    ", ", key.shape(), " and ", value.shape());
}

/// Queries, keys and values [B, T or S, E]; products alone read them. One product where the three are one tensor, and
/// one for keys and values where these are.
std::vector<Tensor> MultiheadAttention::projected(const Tensor& query, const Tensor& key, const Tensor& value) const {
  const auto part = [&](const Tensor& whole, int64_t begin, int64_t count) {
    return whole.defined() ? narrow(whole, 0, begin * width_, count * width_) : Tensor{};
  };
  const auto map = [&](const Tensor& x, const Tensor& weight, int64_t begin, int64_t count) {
    return ditharos::reduced::linear(x, weight, part(in_proj_bias, begin, count));
  };
  if (!in_proj_weight.defined())
    return {map(query, q_proj_weight, 0, 1), map(key, k_proj_weight, 1, 1), map(value, v_proj_weight, 2, 1)};
  if (key.impl() != value.impl())
    return {map(query, part(in_proj_weight, 0, 1), 0, 1), map(key, part(in_proj_weight, 1, 1), 1, 1),
            map(value, part(in_proj_weight, 2, 1), 2, 1)};
  if (query.impl() == key.impl()) return chunk(map(query, in_proj_weight, 0, 3), 3, -1);
  const std::vector<Tensor> kv = chunk(map(key, part(in_proj_weight, 1, 2), 1, 2), 2, -1);
  return {map(query, part(in_proj_weight, 0, 1), 0, 1), kv[0], kv[1]};
}

/// Appends to keys and values [B, S, E] those of add_bias_kv and add_zero_attn, and columns to the mask that block
/// none.
void MultiheadAttention::append_keys(std::vector<Tensor>& parts, Tensor& mask) const {
  parts[0] = ditharos::reduced::widened(parts[0]);
  int64_t more = 0;
  const auto append = [&](size_t i, const Tensor& row) {  // row [1, 1, E]
    const Tensor part = ditharos::reduced::widened(parts[i]);
    parts[i] = cat({part, broadcast_to(row, {part.size(0), 1, part.size(2)})}, 1);
  };
  if (options_.add_bias_kv) append(1, bias_k), append(2, bias_v), ++more;
  if (options_.add_zero_attn) {
    const Tensor zero = zeros({1, 1, width_}, ditharos::reduced::widened(parts[1]).dtype());
    append(1, zero), append(2, zero), ++more;
  }
  if (!mask.defined()) return;
  Shape columns = mask.shape();
  columns[mask.rank() - 1] = more;
  mask = cat({mask, zeros(columns, mask.dtype())}, -1);
}

MultiheadAttentionResult MultiheadAttention::forward(const Tensor& query, const Tensor& key, const Tensor& value,
                                                     const MultiheadAttentionInputs& inputs) const {
  check_sequences(query, key, value);
  const bool batched = query.rank() == 3;
  const auto batch_first = [&](const Tensor& x) {
    return !batched ? unsqueeze(x, 0) : options_.batch_first ? x : transpose(x, 0, 1);
  };
  const Tensor q = batch_first(query);  // the same tensors stay the same, so that they are projected at once
  const Tensor k = key.impl() == query.impl() ? q : batch_first(key);
  const Tensor v = value.impl() == key.impl() ? k : batch_first(value);
  const int64_t batch = q.size(0), queries = q.size(1), keys = k.size(1);
  Tensor mask = mask_of(inputs, batch, heads_, queries, keys);
  bool causal = inputs.is_causal && !inputs.attn_mask.defined();
  const double dropped = is_training() ? options_.dropout : 0;
  Tensor output, weights;
  if (causal && (inputs.need_weights || dropped > 0 || appends_keys())) {
    mask = combined(mask, triu(ones({queries, keys}, DType::boolean), 1));
    causal = false;
  }
  if (inputs.need_weights || dropped > 0) {
    std::vector<Tensor> parts = projected(q, k, v);
    if (appends_keys()) append_keys(parts, mask);
    const auto part = [&](size_t i) { return heads_of(ditharos::reduced::widened(parts[i]), heads_); };
    const Weighted result = weighted(part(0), part(1), part(2), mask, dropped);
    output = merged(result.output);
    if (inputs.need_weights) weights = inputs.average_attn_weights ? mean(result.weights, 1) : result.weights;
  } else if (q.impl() == k.impl() && k.impl() == v.impl() && in_proj_weight.defined() && !mask.defined() && !causal &&
             !appends_keys()) {
    output = ditharos::reduced::attention(ditharos::reduced::linear(q, in_proj_weight, in_proj_bias), heads_);
  } else {
    std::vector<Tensor> parts = projected(q, k, v);
    if (appends_keys()) append_keys(parts, mask);
    if (mask.defined() && mask.dtype() == DType::boolean) mask = logical_not(mask);
    output = merged(ditharos::reduced::scaled_dot_product_attention(
        heads_of(parts[0], heads_), heads_of(parts[1], heads_), heads_of(parts[2], heads_), mask, causal));
  }
  output = out_proj(output);
  if (!batched) output = squeeze(output, 0);
  else if (!options_.batch_first) output = transpose(output, 0, 1);
  if (!batched && weights.defined()) weights = squeeze(weights, 0);
  return {run_hooks(output), weights};
}

}  // namespace ditharos::nn
