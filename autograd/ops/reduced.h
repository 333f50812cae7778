#pragma once
// Operations of ops.h for results that products alone read. In an Autocast scope, where products would round them, the
// results are bf16; elsewhere they are those of ops.h. Gradients are f32. For the modules of this library: a program
// cannot compute with bf16 beyond products.
#include <ditharos/tensor/tensor.h>

namespace ditharos::reduced {

Tensor linear(const Tensor& x, const Tensor& weight, const Tensor& bias = {});
Tensor linear_gelu_tanh(const Tensor& x, const Tensor& weight, const Tensor& bias = {});
Tensor attention(const Tensor& qkv, int64_t heads);
Tensor scaled_dot_product_attention(const Tensor& q, const Tensor& k, const Tensor& v, const Tensor& mask = {},
                                    bool causal = false);
Tensor group_norm_silu(const Tensor& x, int64_t groups, const Tensor& weight = {}, const Tensor& bias = {},
                       double eps = 1e-5);

}  // namespace ditharos::reduced
