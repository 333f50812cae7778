#pragma once
// Scaled dot-product attention on packed projections: no transposed copies, no T x T matrix in memory.
#include <ditharos/tensor/tensor.h>

namespace ditharos::kernels {

/// qkv [B, T, 3*D], as one linear layer makes it: q, k, v in turn, each `heads` groups of D/heads columns.
/// Returns softmax(q k^T / sqrt(D/heads)) v as [B, T, D]. Any T >= 1 and any head size. `log_sum_exp`, if not null,
/// receives [B, heads, T], from which the backward pass recomputes the weights (Dao et al. 2022).
Tensor attention(const Tensor& qkv, int64_t heads, Tensor* log_sum_exp);
/// Gradient with respect to qkv; `out` is the forward's result.
Tensor attention_backward(const Tensor& grad, const Tensor& qkv, const Tensor& out, const Tensor& log_sum_exp,
                          int64_t heads);

}  // namespace ditharos::kernels
