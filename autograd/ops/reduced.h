#pragma once
// Operations of ops.h for results that only products and gated_residual read. In an Autocast scope, where products
// would round them, the results are bf16; elsewhere they are those of ops.h. A gradient that a product computes for
// such a result is bf16 where the rule of its operation reads bf16 (accept_rounded_gradient in autograd/node.h), else
// f32.
// For the modules of this library: a program cannot compute with bf16 beyond products.
#include <ditharos/autograd/ops.h>

namespace ditharos::reduced {

/// Such a result as f32, for a program; anything else as it is. It can be made again, so that nothing more is kept for
/// the backward pass.
inline Tensor widened(const Tensor& y) { return y.dtype() == DType::bf16 ? to(y, DType::f32) : y; }

Tensor linear(const Tensor& x, const Tensor& weight, const Tensor& bias = {});
Tensor linear_gelu_tanh(const Tensor& x, const Tensor& weight, const Tensor& bias = {});
Tensor attention(const Tensor& qkv, int64_t heads);
Tensor scaled_dot_product_attention(const Tensor& q, const Tensor& k, const Tensor& v, const Tensor& mask = {},
                                    bool causal = false);
Tensor layer_norm_modulate(const Tensor& x, const Tensor& shift, const Tensor& scale, double eps = 1e-6);
/// Products read `normalized`; `residual` is in the dtype of x.
GatedNorm gated_residual_norm(const Tensor& x, const Tensor& gate, const Tensor& y, const Tensor& shift,
                              const Tensor& scale, double eps = 1e-6);
Tensor group_norm_silu(const Tensor& x, int64_t groups, const Tensor& weight = {}, const Tensor& bias = {},
                       double eps = 1e-5);

}  // namespace ditharos::reduced
