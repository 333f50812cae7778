#pragma once
// Internal to autograd/ops/.
// The normal distribution function, of which the derivative of the GELU is made.
#include <ditharos/tensor/tensor.h>

namespace ditharos {

/// Phi(x) = erfc(-x / sqrt 2) / 2, exact in its lower tail; f32 or f64.
Tensor normal_cdf(const Tensor& x);

}  // namespace ditharos
