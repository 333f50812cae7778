#pragma once
// Scaled dot-product attention on packed projections: no transposed copies, no T x T matrix in memory.
#include <cstdint>

#include <ditharos/tensor/tensor.h>

namespace ditharos::kernels {

/// qkv [B, T, 3*D], the output of one linear layer: q, k, v in turn, each `heads` groups of D/heads columns.
/// Returns softmax(q k^T / sqrt(D/heads)) v as [B, T, D], in the dtype of qkv: f32, f64 or bf16. Any T >= 1 and any
/// head size. `kept`, if not null, receives what the backward pass needs.
Tensor attention(const Tensor& qkv, int64_t heads, Tensor* kept);
/// statistics: of each query the largest score, in the unit of q k^T, and behind them all the reciprocals of the sums
/// of e^(score - largest), [B, heads, 2 T]; the backward pass recomputes the softmax from them (Dao et al. 2022). Their
/// log-sum-exp in one number would lose the sum where scores are large. weights: the softmax itself, transposed, [B,
/// heads, T, T padded], up to 64 tokens.
enum class AttentionKeeps : uint8_t { statistics, weights };
/// The choice of `attention`: the weights where reading them is cheaper than recomputing them.
AttentionKeeps attention_keeps(int64_t tokens);
/// The same with that choice made by the caller.
Tensor attention_keeping(AttentionKeeps what, const Tensor& qkv, int64_t heads, Tensor* kept);
/// Gradient with respect to qkv, in f32 for bf16; `out` is the forward's result, `kept` what it kept, in either form.
Tensor attention_backward(const Tensor& grad, const Tensor& qkv, const Tensor& out, const Tensor& kept, int64_t heads);

/// The tangent [B, T, D] of the result from that of qkv; `out` is the forward's result, `statistics` what
/// AttentionKeeps::statistics keeps.
Tensor attention_tangent(const Tensor& dqkv, const Tensor& qkv, const Tensor& out, const Tensor& statistics,
                         int64_t heads);

}  // namespace ditharos::kernels
