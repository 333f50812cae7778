#pragma once
// The names of the elementwise functions. A new one is a name here and a line in pointwise_isa.cpp.
#include <cstdint>

namespace ditharos::kernels {

/// y = f(x); `alpha` and `beta` are the parameters that some functions take.
enum class Unary : uint8_t {
  neg,
  abs,
  sign,
  square,
  sqrt,
  rsqrt,
  reciprocal,
  exp,
  log,
  expm1,
  log1p,
  exp2,
  log2,
  log10,
  sin,
  cos,
  tan,
  asin,
  acos,
  atan,
  sinh,
  cosh,
  tanh,
  asinh,
  acosh,
  atanh,
  erf,
  erfc,
  erfinv,
  lgamma,
  digamma,
  polygamma,  // the derivative of digamma of order alpha, a whole number from 1 to 100
  floor,
  ceil,
  trunc,
  round,  // to the nearest whole number, halves to the even one
  sigmoid,
  relu,
  silu,
  softplus,
  leaky_relu,  // x above 0, else alpha x
  elu,         // x above 0, else alpha (e^x - 1)
  gelu,        // x Phi(x), exact
  gelu_tanh,   // tanh approximation (Hendrycks and Gimpel 2016)
  normal_cdf,  // Phi(x), the normal distribution function, exact in its lower tail
  add_scalar,  // x + alpha
  mul_scalar,  // x * alpha
  div_scalar,  // x / alpha
  pow_scalar,  // x ^ alpha
  pow_whole,   // x ^ alpha for a small whole number alpha, by multiplications; in f32 or n + 1/2
  clamp,       // min(max(x, alpha), beta)
  bitwise_not,
};

/// out = f(a, b).
enum class Binary : uint8_t {
  add,
  sub,
  mul,
  div,
  pow,
  maximum,
  minimum,
  atan2,
  hypot,
  fmod,          // a - b trunc(a / b), exact
  remainder,     // a - b floor(a / b): it has the sign of b
  floor_divide,  // floor(a / b)
  bitwise_and,
  bitwise_or,
  bitwise_xor,
  // Fused backward rules: a is the incoming gradient, b the input x (relu: the output y).
  tanh_backward,
  sigmoid_backward,
  relu_backward,
  silu_backward,
  gelu_backward,
  gelu_tanh_backward,
};

enum class Compare : uint8_t { eq, ne, lt, le, gt, ge };

}  // namespace ditharos::kernels
