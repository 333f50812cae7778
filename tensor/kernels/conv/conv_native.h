#pragma once
// Internal to tensor/kernels/.
// Native convolution kernels. All arrays are dense, row-major, and have at least one element.
#include <ditharos/tensor/kernels/conv/conv_geometry.h>

namespace ditharos::kernels {

/// `bias` may be null.
template <class T>
void conv_native(const ConvGeometry& g, const T* x, const T* weight, const T* bias, T* y);
template <class T>
void conv_input_gradient_native(const ConvGeometry& g, const T* grad, const T* weight, T* dx);
template <class T>
void conv_weight_gradient_native(const ConvGeometry& g, const T* grad, const T* x, T* dweight);

}  // namespace ditharos::kernels
