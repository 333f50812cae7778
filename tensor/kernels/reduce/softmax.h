#pragma once
// Softmax family, over the last axis where no other is given. Any strides in, contiguous out.
#include <ditharos/tensor/tensor.h>

namespace ditharos::kernels {

Tensor softmax(const Tensor& x, int axis = -1);
Tensor log_softmax(const Tensor& x, int axis = -1);
/// Backward rules from the output y: softmax dx = y (g - sum(g y)); log_softmax dx = g - exp(y) sum(g).
Tensor softmax_backward(const Tensor& grad, const Tensor& y, int axis = -1);
Tensor log_softmax_backward(const Tensor& grad, const Tensor& y, int axis = -1);
/// ln sum(e^x): [..., N] -> [...]. Minus infinity for a row of minus infinities or without elements.
Tensor log_sum_exp(const Tensor& x);

/// The labels (i64 [N]) of the rows of `logits` [N, C], contiguous; ShapeError unless every one is in [0, C).
Tensor checked_labels(const char* op, const Tensor& logits, const Tensor& labels);
/// Per-row loss -log softmax(logits)[label]; logits [N, C], labels i64 [N]; out [N].
Tensor cross_entropy(const Tensor& logits, const Tensor& labels);
/// dlogits = g (softmax(logits) - onehot(label)); g [N].
Tensor cross_entropy_backward(const Tensor& grad, const Tensor& logits, const Tensor& labels);

}  // namespace ditharos::kernels
