// Attention on separate queries, keys and values, with masks.
#include <cmath>
#include <limits>

#include <ditharos/autograd/forward_mode.h>
#include <ditharos/autograd/grad_mode.h>
#include <ditharos/autograd/node.h>
#include <ditharos/autograd/ops.h>
#include <ditharos/autograd/ops/detail/operands.h>
#include <ditharos/autograd/ops/reduced.h>
#include <ditharos/tensor/kernels/attention/scaled_dot_product_attention.h>
#include <ditharos/tensor/kernels/pointwise/pointwise.h>
#include <ditharos/tensor/kernels/reduce/extremum.h>
#include <ditharos/tensor/kernels/reduce/reduce.h>
#include <ditharos/tensor/product_dtype.h>

namespace ditharos {
namespace {

constexpr const char* op = "scaled_dot_product_attention";

void check_operands(const Tensor& q, const Tensor& k, const Tensor& v, const Tensor& mask) {
  const bool ranks = q.rank() == 4 && k.rank() == 4 && v.rank() == 4;
  bool fit = ranks && q.size(3) == k.size(3) && k.size(2) == v.size(2);
  for (int axis = 0; fit && axis < 2; ++axis) fit = q.size(axis) == k.size(axis) && q.size(axis) == v.size(axis);
  check<ShapeError>(fit, "[", op, "] needs q [B, H, T, D], k [B, H, S, D] and v [B, H, S, E], got ", q.shape(), ", ",
                    k.shape(), " and ", v.shape());
  check_product_operand(op, q.dtype());
  check<DTypeError>(k.dtype() == q.dtype() && v.dtype() == q.dtype(), "[", op, "] q is ", q.dtype(), ", k is ",
                    k.dtype(), " and v is ", v.dtype(), "; they must be of one dtype");
  if (!mask.defined()) return;
  const Shape scores{q.size(0), q.size(1), q.size(2), k.size(2)};
  check<ShapeError>(broadcastable_to(mask.shape(), scores), "[", op, "] a mask of shape ", mask.shape(),
                    " does not stretch to [B, H, T, S] = ", scores);
  const DType added = product_dtype(q.dtype());
  check<DTypeError>(mask.dtype() == DType::boolean || mask.dtype() == added, "[", op,
                    "] the mask must be bool (true: takes part) or ", added, " (added to the scores), got ",
                    mask.dtype());
}

/// [.., T, S] of booleans: true for keys that are masked out; undefined when none is.
Tensor blocked_keys(const Tensor& mask, bool causal, int64_t queries, int64_t keys) {
  Tensor blocked;
  if (mask.defined()) {
    blocked = mask.dtype() == DType::boolean
                  ? logical_not(mask)
                  : equal(mask, scalar(-std::numeric_limits<double>::infinity(), mask.dtype()));
  }
  if (!causal) return blocked;
  const Tensor later = triu(ones({queries, keys}, DType::boolean), 1);
  return blocked.defined() ? logical_or(blocked, later) : later;
}

/// [.., T, 1] of booleans: true for queries whose keys are all masked out.
Tensor sees_nothing(const Tensor& blocked) {
  return blocked.rank() == 0 || blocked.size(-1) == 0 ? blocked : kernels::amin(blocked, -1, true);
}

/// Keys or values, with zeros for those that are masked out for all queries: the weight 0 times NaN would be NaN.
Tensor seen_alone(const Tensor& x, const Tensor& blocked) {
  if (!blocked.defined() || blocked.numel() == 0 || kernels::all_finite(x)) return x;
  const Tensor matrix = blocked.rank() < 2 ? reshape(blocked, {1, blocked.numel()}) : blocked;  // [.., T, S]
  const Tensor hidden = transpose(kernels::amin(matrix, -2, true), -2, -1);                     // [.., S, 1]
  const DType dtype = product_dtype(x.dtype());
  return to(where(hidden, scalar(0, dtype), to(x, dtype)), x.dtype());
}

/// The composite of public operations; the fused kernel computes the same without a [B, H, T, S] in memory.
Tensor composite(const Tensor& rounded_q, const Tensor& rounded_k, const Tensor& rounded_v, const Tensor& mask,
                 bool causal) {
  const DType dtype = product_dtype(rounded_q.dtype());
  const Tensor q = to(rounded_q, dtype), all_k = to(rounded_k, dtype), all_v = to(rounded_v, dtype);
  const Tensor blocked = blocked_keys(mask, causal, q.size(2), all_k.size(2));
  const Tensor k = seen_alone(all_k, blocked), v = seen_alone(all_v, blocked);
  Tensor scores = matmul(q * (1 / std::sqrt(double(q.size(3)))), transpose(k, -2, -1));  // [B, H, T, S]
  if (mask.defined() && mask.dtype() != DType::boolean) scores = scores + mask;
  if (!blocked.defined()) return matmul(softmax(scores, -1), v);
  // A query without any key gets zeros, and its gradients are zeros instead of NaN: its scores are set to 0 instead of
  // minus infinity, and its weights are cleared afterwards.
  const Tensor fill = where(sees_nothing(blocked), scalar(0, scores.dtype()),
                            scalar(-std::numeric_limits<double>::infinity(), scores.dtype()));
  const Tensor weights = softmax(where(blocked, fill, scores), -1);
  return matmul(masked_fill(weights, blocked, 0), v);
}

}  // namespace

Tensor scaled_dot_product_attention(const Tensor& q, const Tensor& k, const Tensor& v, const Tensor& mask,
                                    bool causal) {
  return reduced::widened(reduced::scaled_dot_product_attention(q, k, v, mask, causal));
}

Tensor reduced::scaled_dot_product_attention(const Tensor& query, const Tensor& key, const Tensor& value,
                                             const Tensor& mask, bool causal) {
  check_operands(query, key, value, mask);
  Tensor q = query, k = key, v = value;
  round_operands(q, k, v);
  // For a mask that is the same for every query the kernel skips masked keys; for others it gives them the weight 0.
  const bool by_query = causal || (mask.defined() && mask.rank() >= 2 && mask.size(-2) > 1);
  const Tensor blocked = by_query && !(kernels::all_finite(k) && kernels::all_finite(v))
                             ? blocked_keys(mask, causal, q.size(2), k.size(2))
                             : Tensor{};
  k = seen_alone(k, blocked);
  v = seen_alone(v, blocked);
  // The gradient of a mask is as large as the scores, which the kernel does not store: a learned mask uses the
  // composite.
  if (mask.defined() && ((grad_enabled() && needs_grad(mask)) || tangent_of(mask).defined()))
    return to(composite(q, k, v, mask, causal), q.dtype());
  const bool recorded = grad_enabled() && (needs_grad(q) || needs_grad(k) || needs_grad(v));
  const bool dual = tangent_of(q).defined() || tangent_of(k).defined() || tangent_of(v).defined();
  if (dual && q.dtype() == DType::bf16) return to(composite(q, k, v, mask, causal), DType::bf16);
  Tensor statistics;  // [B, H, 2 T]
  const Tensor out =
      kernels::scaled_dot_product_attention({q, k, v, mask, causal}, recorded || dual ? &statistics : nullptr);
  const auto by_composite =
      derivative_of([causal](const std::vector<Tensor>& in) { return composite(in[0], in[1], in[2], in[3], causal); });
  // dV = P^T dO; dS = P (dP - rowsum(dO O)), dP = dO V^T; dQ = dS K / sqrt(D), dK = dS^T Q / sqrt(D)
  return record(
      op, out, {q, k, v, mask}, save_inputs | save_output,
      fused(
          [statistics = Saved(statistics), causal](const Backward& d) -> Grads {
            const auto g =
                kernels::scaled_dot_product_attention_backward({d.input(0), d.input(1), d.input(2), d.input(3), causal},
                                                               d.output(), d.intermediate(statistics), d.grad());
            return {g.q, g.k, g.v};
          },
          by_composite),
      // dO = dP V + P dV; dP = P (dS - rowsum(P dS)), dS = (dQ K^T + Q dK^T) / sqrt(D)
      fused(
          [&](const Tangents& d) {
            const auto tangent = [&](size_t i, const Tensor& x) { return d[i].defined() ? d[i] : zeros_like(x); };
            return kernels::scaled_dot_product_attention_tangent(
                {q, k, v, mask, causal}, {tangent(0, q), tangent(1, k), tangent(2, v)}, out, statistics);
          },
          by_composite));
}

}  // namespace ditharos
