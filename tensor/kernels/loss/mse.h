#pragma once
// The mean squared error, each pass in one read of both tensors.
#include <ditharos/tensor/tensor.h>

namespace ditharos::kernels {

/// Mean of (prediction - target)^2, accumulated in double: a tensor of no axes. Equal shapes and dtypes; NaN for none.
Tensor mse(const Tensor& prediction, const Tensor& target);
/// Gradient with respect to the prediction: 2 grad / n (prediction - target); grad has no axes.
Tensor mse_backward(const Tensor& grad, const Tensor& prediction, const Tensor& target);

}  // namespace ditharos::kernels
