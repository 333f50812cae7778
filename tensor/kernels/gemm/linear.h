#pragma once
// The linear layer and its gradients. Operands are f32, f64 or bf16; results, biases and the gradients of weights are
// f32 for operands in bf16, else of the operands' dtype. Beside an operand in bf16 the weight may be f32: products read
// it rounded to bf16.
#include <ditharos/tensor/tensor.h>

namespace ditharos::kernels {

/// y = x W^T + bias; x [..., in], W [out, in], bias [out] or undefined; y [..., out].
Tensor linear(const Tensor& x, const Tensor& weight, const Tensor& bias);
/// The same, rounded to the dtype of x.
Tensor linear_rounded(const Tensor& x, const Tensor& weight, const Tensor& bias);
/// gelu_tanh(linear_rounded(x, weight, bias)) in the dtype of x, applied to each piece while it is in the cache;
/// `before`, if not null, receives linear_rounded's result.
Tensor linear_gelu_tanh(const Tensor& x, const Tensor& weight, const Tensor& bias, Tensor* before);
/// gelu_tanh(before) in its dtype, with the bits of linear_gelu_tanh.
Tensor gelu_tanh_of(const Tensor& before);
/// Gradient of linear's result, grad gelu_tanh'(before), and its column sums [out], in one pass. `out` receives it, in
/// the dtype of `before`; it may be `grad`. For bf16, `grad` is f32 or bf16.
Tensor gelu_tanh_backward_bias(const Tensor& grad, const Tensor& before, const Tensor& out);
/// Gradients of linear: dx = dy W, which may be `rounded` to the dtype of dy; dW = dy^T x; dbias = sum of the rows of
/// dy. dy [..., out].
Tensor linear_backward_input(const Tensor& grad, const Tensor& weight, bool rounded = false);
Tensor linear_backward_weight(const Tensor& grad, const Tensor& x);
/// dW += dy^T x, in place; dW [out, in], contiguous.
void accumulate_linear_backward_weight(const Tensor& grad, const Tensor& x, const Tensor& weight_grad);
/// In f32 for bf16.
Tensor linear_backward_bias(const Tensor& grad);
/// The same for a gradient in f32, which it also rounds: `rounded` receives it in bf16.
Tensor round_and_linear_backward_bias(const Tensor& grad, Tensor* rounded);

}  // namespace ditharos::kernels
