// Attention on separate queries, keys and values, with masks.
#include <cmath>

#include <ditharos/autograd/ops.h>

namespace ditharos {
namespace {

void check_operands(const Tensor& q, const Tensor& k, const Tensor& v) {
  const bool ranks = q.rank() == 4 && k.rank() == 4 && v.rank() == 4;
  bool fit = ranks && q.size(3) == k.size(3) && k.size(2) == v.size(2);
  for (int axis = 0; fit && axis < 2; ++axis) fit = q.size(axis) == k.size(axis) && q.size(axis) == v.size(axis);
  check<ShapeError>(fit, "[scaled_dot_product_attention] needs q [B, H, T, D], k [B, H, S, D] and v [B, H, S, E], got ",
                    q.shape(), ", ", k.shape(), " and ", v.shape());
}

/// [.., T, S] of booleans: which keys a query must not see; undefined when it sees all.
Tensor blocked_keys(const Tensor& mask, bool causal, int64_t queries, int64_t keys) {
  Tensor blocked;
  if (mask.defined() && mask.dtype() == DType::boolean) blocked = logical_not(mask);
  if (!causal) return blocked;
  const Tensor later = triu(ones({queries, keys}, DType::boolean), 1);
  return blocked.defined() ? logical_or(blocked, later) : later;
}

}  // namespace

Tensor scaled_dot_product_attention(const Tensor& q, const Tensor& k, const Tensor& v, const Tensor& mask,
                                    bool causal) {
  check_operands(q, k, v);
  const Shape shape{q.size(0), q.size(1), q.size(2), k.size(2)};
  Tensor scores = matmul(q, transpose(k, -2, -1)) * (1 / std::sqrt(double(q.size(3))));  // [B, H, T, S]
  if (mask.defined()) {
    check<ShapeError>(broadcastable_to(mask.shape(), shape), "[scaled_dot_product_attention] a mask of shape ",
                      mask.shape(), " does not stretch to [B, H, T, S] = ", shape);
    check<DTypeError>(mask.dtype() == DType::boolean || mask.dtype() == q.dtype(),
                      "[scaled_dot_product_attention] the mask must be bool (true: takes part) or ", q.dtype(),
                      " (added to the scores), got ", mask.dtype());
    if (mask.dtype() != DType::boolean) scores = scores + mask;
  }
  const Tensor blocked = blocked_keys(mask, causal, q.size(2), k.size(2));
  if (!blocked.defined()) return matmul(softmax(scores, -1), v);
  // A finite number stands for minus infinity, and the weights are cleared afterwards: a query that sees no key at all
  // then gets zeros, and its gradients are zeros instead of NaN.
  const Tensor weights = softmax(masked_fill(scores, blocked, -1e30), -1);
  return matmul(masked_fill(weights, blocked, 0), v);
}

}  // namespace ditharos
