#pragma once
// Internal to autograd/ops/.
// The normal distribution function, for the derivative of the GELU.
#include <ditharos/tensor/tensor.h>

namespace ditharos {

/// Phi(x) = erfc(-x / sqrt 2) / 2, exact in its lower tail; f32 or f64.
Tensor normal_cdf(const Tensor& x);

}  // namespace ditharos
