#pragma once
// Attention on separate queries, keys and values, with masks: no matrix of queries x keys in memory.
#include <ditharos/tensor/kernels/attention/attention_heads.h>

namespace ditharos::kernels {

/// softmax(q k^T / sqrt(D) + mask) v, [B, H, T, E], laid out as [B, T, H, E], so that joining the heads is free.
/// Operands whose rows are contiguous are read in place, others through a copy; the mask is never copied.
/// `statistics`, if not null, receives [B, H, 2 T] for the backward pass.
Tensor scaled_dot_product_attention(const AttentionOperands& in, Tensor* statistics);
/// Gradients with respect to q, k and v, laid out in the same way; `out` and `statistics` are the forward's.
AttentionGrads scaled_dot_product_attention_backward(const AttentionOperands& in, const Tensor& out,
                                                     const Tensor& statistics, const Tensor& grad);

/// The tangent of the result, laid out like it, from those of q, k and v.
Tensor scaled_dot_product_attention_tangent(const AttentionOperands& in, const AttentionGrads& tangents,
                                            const Tensor& out, const Tensor& statistics);

}  // namespace ditharos::kernels
