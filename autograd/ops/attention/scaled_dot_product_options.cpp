// The options of scaled_dot_product_attention() on top of the function for four axes.
#include <cmath>
#include <limits>

#include <ditharos/autograd/ops.h>
#include <ditharos/autograd/ops/attention/attention.h>
#include <ditharos/autograd/ops/detail/operands.h>
#include <ditharos/tensor/draws/default_generator.h>

namespace ditharos {
namespace {

constexpr const char* sdpa = "scaled_dot_product_attention";

/// Leading axes as one, and heads: [..., H, T, D] -> [B, H, T, D]; [T, D] -> [1, 1, T, D].
Tensor four_axes(const Tensor& x) {
  if (x.rank() == 4) return x;
  if (x.rank() < 4) return reshape(x, {1, x.rank() == 3 ? x.size(0) : 1, x.size(-2), x.size(-1)});
  int64_t batch = 1;
  for (int axis = 0; axis < x.rank() - 3; ++axis) batch *= x.size(axis);
  return reshape(x, {batch, x.size(-3), x.size(-2), x.size(-1)});
}

/// A head for each head of the queries: each is repeated for its neighbouring queries.
Tensor with_heads(const Tensor& x, int64_t heads) {
  return x.size(1) == heads ? x : repeat_interleave(x, heads / x.size(1), 1);
}

void check_shapes_of(const Tensor& q, const Tensor& k, const Tensor& v, bool grouped) {
  const int rank = q.rank();
  bool fit = rank >= 2 && k.rank() == rank && v.rank() == rank && q.size(-1) == k.size(-1) && k.size(-2) == v.size(-2);
  for (int axis = 0; fit && axis < rank - 2; ++axis) {
    const bool heads = grouped && axis == rank - 3;
    fit = k.size(axis) == v.size(axis) && (heads || q.size(axis) == k.size(axis));
    if (fit && heads) fit = k.size(axis) > 0 && q.size(axis) % k.size(axis) == 0;
  }
  check<ShapeError>(fit, "[", sdpa, "] needs q [..., H, T, D], k [..., ", grouped ? "G" : "H", ", S, D] and v [..., ",
                    grouped ? "G" : "H", ", S, E]", grouped ? " with H divisible by G" : "", ", got ", q.shape(), ", ",
                    k.shape(), " and ", v.shape());
}

/// Attention with its weights in memory, some of which are dropped.
Tensor dropping_attention(const Tensor& q, const Tensor& k, const Tensor& v, const Tensor& mask, double scale,
                          const ScaledDotProductOptions& options) {
  Tensor scores = matmul(q * scale, transpose(k, -2, -1)), blocked;  // [B, H, T, S]
  if (mask.defined()) {
    const bool keeps = mask.dtype() == DType::boolean;
    blocked = keeps ? logical_not(mask) : equal(mask, -std::numeric_limits<double>::infinity());
    if (!keeps) scores = scores + masked_fill(mask, blocked, 0);
  }
  if (options.is_causal) {
    const Tensor later = triu(ones({q.size(2), k.size(2)}, DType::boolean), 1);
    blocked = blocked.defined() ? logical_or(blocked, later) : later;
  }
  Tensor weights;
  if (blocked.defined()) {
    // A query without any key has weights 0. Its scores are 0 instead of minus infinity, whose softmax is NaN.
    const Tensor all_blocked = all(broadcast_to(blocked, scores.shape()), -1, true);
    const Tensor fill =
        where(all_blocked, scalar(0, scores.dtype()), scalar(-std::numeric_limits<double>::infinity(), scores.dtype()));
    weights = masked_fill(softmax(where(blocked, fill, scores), -1), blocked, 0);
  } else {
    weights = softmax(scores, -1);
  }
  return matmul(dropout(weights, options.dropout_p, options.rng ? *options.rng : default_generator()), v);
}

}  // namespace

Tensor scaled_dot_product_attention(const Tensor& q, const Tensor& k, const Tensor& v,
                                    const ScaledDotProductOptions& options) {
  check<ConfigError>(options.dropout_p >= 0 && options.dropout_p < 1, "[", sdpa, "] dropout_p must be in [0, 1), got ",
                     options.dropout_p);
  check<ConfigError>(!options.scale || std::isfinite(*options.scale), "[", sdpa, "] the scale must be finite, got ",
                     options.scale.value_or(0));
  check_shapes_of(q, k, v, options.enable_gqa);
  check<DTypeError>(k.dtype() == q.dtype() && v.dtype() == q.dtype(), "[", sdpa, "] q is ", q.dtype(), ", k is ",
                    k.dtype(), " and v is ", v.dtype(), "; they must be of one dtype");
  Shape scores = q.shape(), result = q.shape();
  scores[q.rank() - 1] = k.size(-2);
  result[q.rank() - 1] = v.size(-1);
  Tensor mask = options.attn_mask;
  check<ShapeError>(!mask.defined() || broadcastable_to(mask.shape(), scores), "[", sdpa, "] a mask of shape ",
                    mask.defined() ? mask.shape() : Shape{}, " does not stretch to [..., T, S] = ", scores);
  // Masks of four axes or fewer stretch as they are, unless axes in front of the heads become one.
  if (mask.defined() && q.rank() > 4 && mask.rank() > 3) mask = four_axes(broadcast_to(mask, scores));
  const double usual = 1 / std::sqrt(double(q.size(-1))), scale = options.scale.value_or(usual);
  const Tensor queries = four_axes(q);
  const Tensor keys = with_heads(four_axes(k), queries.size(1)), values = with_heads(four_axes(v), queries.size(1));
  if (options.dropout_p > 0) {
    check_floating(sdpa, q.dtype());
    check<DTypeError>(!mask.defined() || mask.dtype() == DType::boolean || mask.dtype() == q.dtype(), "[", sdpa,
                      "] the mask must be bool (true: takes part) or ", q.dtype(), " (added to the scores), got ",
                      mask.defined() ? mask.dtype() : q.dtype());
    return reshape(dropping_attention(queries, keys, values, mask, scale, options), result);
  }
  const Tensor scaled = options.scale ? queries * (scale / usual) : queries;
  return reshape(scaled_dot_product_attention(scaled, keys, values, mask, options.is_causal), result);
}

}  // namespace ditharos
