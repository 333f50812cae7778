#pragma once
// Internal to tensor/kernels/.
// Convolutions by oneDNN, of f32, and of bf16 with sums in f32. All arrays are dense, row-major, and have at least one
// element. Each function returns false, and does nothing, if oneDNN has no fast primitive for the case. In: float or
// bfloat16.
#include <ditharos/tensor/kernels/conv/conv_geometry.h>

namespace ditharos::kernels::onednn {

/// `bias` may be null.
template <class In>
bool conv(const ConvGeometry& g, const In* x, const In* weight, const float* bias, float* y);
template <class In>
bool conv_input_gradient(const ConvGeometry& g, const In* grad, const In* weight, float* dx);
template <class In>
bool conv_weight_gradient(const ConvGeometry& g, const In* grad, const In* x, float* dweight);

}  // namespace ditharos::kernels::onednn
