#pragma once
// The interface to a convolution library: three products of one trilinear form, two implementations of each (oneDNN for
// f32 and bf16; native ones for f64, for builds without oneDNN and as the tests' oracle). Operands of bf16 are summed
// in f32, and results are f32 then (tensor/product_dtype.h). Where the CPU has no instructions for their products, they
// are widened to f32.
//
// With y = conv(x, w), the number <g, y> is linear in g, x and w; its derivatives are conv(x, w), the input gradient
// of (g, w) and the weight gradient of (g, x). So the derivatives of each of the three are the other two, to every
// order. Work is split into pieces that depend on the sizes alone, each piece runs on one thread, and sums of pieces
// are added in order: the bits of a result do not depend on the number of threads.
#include <ditharos/tensor/tensor.h>

namespace ditharos::kernels {

/// Stride, padding and dilation, one entry for each spatial axis (1, 2 or 3 of them). Padding is zeros on both sides.
struct ConvWindow {
  Shape stride, padding, dilation;
  int64_t groups = 1;  ///< groups of channels
};

/// y[b, o, p] = bias[o] + sum over c, k of weight[o, c, k] x[b, c, p stride + k dilation - padding]; x [B, C, in...],
/// weight [O, C/groups, k...], bias [O] or undefined, of the dtype of y; y [B, O, out...] with
/// out = (in + 2 padding - dilation (k - 1) - 1) / stride + 1. ShapeError in the name of `op` unless all fits.
Tensor conv(const char* op, const Tensor& x, const Tensor& weight, const Tensor& bias, const ConvWindow& window);

/// The gradient of x, of shape `input`, for the gradient `grad` of y.
Tensor conv_input_gradient(const char* op, const Tensor& grad, const Tensor& weight, const Shape& input,
                           const ConvWindow& window);

/// The gradient of weight, of shape `weight`.
Tensor conv_weight_gradient(const char* op, const Tensor& grad, const Tensor& x, const Shape& weight,
                            const ConvWindow& window);

/// The gradient of the bias, [O]: the sum of grad [B, O, out...] over images and positions.
Tensor conv_bias_gradient(const Tensor& grad);
/// The same for a gradient of f32, which is also rounded to bf16.
Tensor round_and_conv_bias_gradient(const Tensor& grad, Tensor* rounded);

/// Shape [B, C, in...] of the input of which x [B, O, out...] can be the output for weight [O, C/groups, k...]:
/// in = (out - 1) stride - 2 padding + dilation (k - 1) + 1 + output_padding, with output_padding < stride.
Shape conv_transpose_shape(const char* op, const Shape& x, const Shape& weight, const ConvWindow& window,
                           const Shape& output_padding);

}  // namespace ditharos::kernels
