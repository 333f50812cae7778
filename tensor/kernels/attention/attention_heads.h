#pragma once
// Attention over all heads of a batch: the common implementation of the packed form (attention.h) and of the one with
// masks (scaled_dot_product_attention.h).
#include <ditharos/tensor/tensor.h>

namespace ditharos::kernels {

/// q [B, H, T, D], k [B, H, S, D], v [B, H, S, E] with contiguous rows and any other strides, in f32, f64 or bf16. The
/// result has their dtype; sums and gradients of bf16 operands are f32. The mask broadcasts to the scores [B, H, T, S]:
/// booleans (true: the key takes part) or numbers of the gradients' dtype, which are added; undefined: none. `causal`:
/// query i sees keys up to i.
struct AttentionOperands {
  Tensor q, k, v, mask = {};
  bool causal = false;

  Shape scores_shape() const { return {q.size(0), q.size(1), q.size(2), k.size(2)}; }
};

/// Writes softmax(q k^T / sqrt(D) + mask) v to out [B, H, T, E], whose rows are contiguous. A query without any key
/// gets zeros. `kept`, if defined, receives the statistics of the softmax, [B, H, 2 T], or, of rank 4 and only
/// without a mask, the softmax, as attention.h describes them.
void attend(const char* op, const AttentionOperands& in, const Tensor& out, const Tensor& kept);

struct AttentionGrads {
  Tensor q, k, v;
};
/// Writes the gradients with respect to q, k and v to `to`, of their shapes with contiguous rows.
void attend_backward(const char* op, const AttentionOperands& in, const Tensor& out, const Tensor& kept,
                     const Tensor& grad, const AttentionGrads& to);

/// Writes the tangent of attend()'s result, for operands in f32 or f64, to `to` [B, H, T, E], whose rows are
/// contiguous, from the tangents of q, k and v. `out` and `statistics` are the forward's.
void attend_tangent(const char* op, const AttentionOperands& in, const AttentionGrads& tangents, const Tensor& out,
                    const Tensor& statistics, const Tensor& to);

}  // namespace ditharos::kernels
