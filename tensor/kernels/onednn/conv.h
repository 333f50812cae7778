#pragma once
// Internal to tensor/kernels/.
// Convolutions by oneDNN. All arrays are dense, row-major, and have at least one element. Each function returns false,
// and does nothing, if oneDNN has no fast primitive for the case.
#include <ditharos/tensor/kernels/conv/conv_geometry.h>

namespace ditharos::kernels::onednn {

/// `bias` may be null.
bool conv(const ConvGeometry& g, const float* x, const float* weight, const float* bias, float* y);
bool conv_input_gradient(const ConvGeometry& g, const float* grad, const float* weight, float* dx);
bool conv_weight_gradient(const ConvGeometry& g, const float* grad, const float* x, float* dweight);

}  // namespace ditharos::kernels::onednn
