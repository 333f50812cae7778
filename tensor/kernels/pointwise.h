#pragma once
// Elementwise kernels on tensors of any strides. A new function is a name here and a line in isa/pointwise_isa.cpp.
#include <ditharos/tensor/tensor.h>

namespace ditharos::kernels {

/// y = f(x); `alpha` and `beta` are the parameters that some functions take.
enum class Unary : uint8_t {
  neg, abs, sign, square, sqrt, rsqrt, reciprocal, exp, log, sin, cos, tanh, erf, sigmoid, relu, silu, softplus,
  gelu,       // x Phi(x), exact
  gelu_tanh,  // tanh approximation (Hendrycks and Gimpel 2016)
  add_scalar, // x + alpha
  mul_scalar, // x * alpha
  pow_scalar, // x ^ alpha
  clamp,      // min(max(x, alpha), beta)
};
Tensor unary(Unary op, const Tensor& x, double alpha = 0, double beta = 0);

/// out = f(a, b) with broadcasting; both operands have one dtype.
enum class Binary : uint8_t {
  add, sub, mul, div, pow, maximum, minimum,
  // Fused backward rules: a is the incoming gradient, b the input x (tanh, sigmoid: the output y).
  tanh_backward, sigmoid_backward, relu_backward, silu_backward, gelu_backward, gelu_tanh_backward,
};
Tensor binary(Binary op, const Tensor& a, const Tensor& b);

/// Boolean result, with broadcasting.
enum class Compare : uint8_t { eq, ne, lt, le, gt, ge };
Tensor compare(Compare op, const Tensor& a, const Tensor& b);
/// condition ? a : b, with broadcasting; `condition` is boolean. Selects: a NaN in the branch not taken stays out.
Tensor where(const Tensor& condition, const Tensor& a, const Tensor& b);

/// into += x, in place; equal shapes and dtypes.
void accumulate(const Tensor& into, const Tensor& x);
/// x *= alpha, in place.
void scale_in_place(const Tensor& x, double alpha);
/// True when every element is finite.
bool all_finite(const Tensor& x);

}  // namespace ditharos::kernels
