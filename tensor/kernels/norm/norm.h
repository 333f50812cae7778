#pragma once
// Layer normalisation over the last axis, alone or with an affine map or a modulation fused in, and the gated residual.
//
// Dtypes are f32 or f64. What a linear layer reads or computed, a normalised result or a branch, may be bf16 beside
// f32.
#include <optional>

#include <ditharos/tensor/tensor.h>

namespace ditharos::kernels {

/// y = xhat * weight + bias with xhat = (x - mean) / sqrt(var + eps); x [..., D]; weight, bias [D] or undefined.
/// `statistics`, if not null, receives [rows, 2] = (mean, 1/sqrt(var + eps)).
Tensor layer_norm(const Tensor& x, const Tensor& weight, const Tensor& bias, double eps, Tensor* statistics);
struct LayerNormGrads {
  Tensor x, weight, bias;
};  ///< weight and bias undefined when there is no affine map
LayerNormGrads layer_norm_backward(const Tensor& grad, const Tensor& x, const Tensor& weight, const Tensor& statistics);

/// y = xhat * (1 + scale) + shift; x [B, T, D]; shift, scale [B, D], rows may be strided (a chunk of [B, 6D]).
/// `dtype` of the result; x's unless given.
Tensor layer_norm_modulate(const Tensor& x, const Tensor& shift, const Tensor& scale, double eps, Tensor* statistics,
                           std::optional<DType> dtype = {});
struct ModulateGrads {
  Tensor x, shift, scale;
};
/// `dx`: undefined, or what the gradient of x is added to in place; it is then the result's x.
ModulateGrads layer_norm_modulate_backward(const Tensor& grad, const Tensor& x, const Tensor& scale,
                                           const Tensor& statistics, const Tensor& dx = {});

/// out = x + gate * y; x, y [B, T, D], gate [B, D] (rows may be strided).
Tensor gated_residual(const Tensor& x, const Tensor& gate, const Tensor& y);
struct GatedNorm {
  Tensor residual, normalized;
};
/// residual = gated_residual(x, gate, y) and normalized = layer_norm_modulate(residual, shift, scale), each row of it
/// while the residual's is in the cache. `dtype` of `normalized`; x's unless given.
GatedNorm gated_residual_norm(const Tensor& x, const Tensor& gate, const Tensor& y, const Tensor& shift,
                              const Tensor& scale, double eps, Tensor* statistics, std::optional<DType> dtype = {});
struct GateGrads {
  Tensor gate, y;
};  ///< the gradient of x is `grad` itself; that of y has the dtype of y
GateGrads gated_residual_backward(const Tensor& grad, const Tensor& gate, const Tensor& y);

}  // namespace ditharos::kernels
