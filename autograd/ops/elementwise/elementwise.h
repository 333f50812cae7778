#pragma once
// Elementwise operations beyond those of ops.h, under PyTorch's names. They broadcast, take f32 and f64, and have
// derivatives of every order, unless a comment says otherwise.
#include <cstdint>
#include <optional>

#include <ditharos/tensor/tensor.h>

namespace ditharos {

// --- comparison with a number, and operators (comparison.cpp); booleans without a gradient. Where x holds integers and
// the number has a fraction, they are compared as f64 ---
Tensor equal(const Tensor& x, double value);
Tensor not_equal(const Tensor& x, double value);
Tensor less(const Tensor& x, double value);
Tensor less_equal(const Tensor& x, double value);
Tensor greater(const Tensor& x, double value);
Tensor greater_equal(const Tensor& x, double value);
Tensor operator==(const Tensor& a, const Tensor& b);
Tensor operator!=(const Tensor& a, const Tensor& b);
Tensor operator<(const Tensor& a, const Tensor& b);
Tensor operator<=(const Tensor& a, const Tensor& b);
Tensor operator>(const Tensor& a, const Tensor& b);
Tensor operator>=(const Tensor& a, const Tensor& b);
Tensor operator==(const Tensor& a, double b);
Tensor operator!=(const Tensor& a, double b);
Tensor operator<(const Tensor& a, double b);
Tensor operator<=(const Tensor& a, double b);
Tensor operator>(const Tensor& a, double b);
Tensor operator>=(const Tensor& a, double b);
Tensor operator==(double a, const Tensor& b);
Tensor operator!=(double a, const Tensor& b);
Tensor operator<(double a, const Tensor& b);
Tensor operator<=(double a, const Tensor& b);
Tensor operator>(double a, const Tensor& b);
Tensor operator>=(double a, const Tensor& b);
// Of booleans or integers, as in PyTorch: bit by bit.
Tensor bitwise_and(const Tensor& a, const Tensor& b);
Tensor bitwise_or(const Tensor& a, const Tensor& b);
Tensor bitwise_xor(const Tensor& a, const Tensor& b);
Tensor bitwise_not(const Tensor& x);
Tensor operator&(const Tensor& a, const Tensor& b);
Tensor operator|(const Tensor& a, const Tensor& b);
Tensor operator^(const Tensor& a, const Tensor& b);
Tensor operator~(const Tensor& x);
// Integers are finite and not NaN.
Tensor isnan(const Tensor& x);
Tensor isinf(const Tensor& x);
Tensor isfinite(const Tensor& x);
/// |a - b| <= atol + rtol |b|, or a == b; NaN is close to NaN if `equal_nan`.
Tensor isclose(const Tensor& a, const Tensor& b, double rtol = 1e-5, double atol = 1e-8, bool equal_nan = false);
/// Whether isclose() holds for all elements.
[[nodiscard]] bool allclose(const Tensor& a, const Tensor& b, double rtol = 1e-5, double atol = 1e-8,
                            bool equal_nan = false);

// --- a number in place of a tensor (arithmetic.cpp) ---
Tensor where(const Tensor& condition, const Tensor& a, double b);
Tensor where(const Tensor& condition, double a, const Tensor& b);
Tensor where(const Tensor& condition, double a, double b);  ///< f32
Tensor maximum(const Tensor& a, double b);                  ///< at ties, half of the gradient
Tensor maximum(double a, const Tensor& b);
Tensor minimum(const Tensor& a, double b);
Tensor minimum(double a, const Tensor& b);
Tensor pow(double base, const Tensor& exponent);
Tensor clamp_min(const Tensor& x, double low);  ///< gradient 1 at the bound
Tensor clamp_max(const Tensor& x, double high);
/// With bounds that broadcast; an undefined one does not bind. At a bound the gradient goes to x.
Tensor clamp(const Tensor& x, const Tensor& low, const Tensor& high);

// --- arithmetic (arithmetic.cpp) ---
Tensor atan2(const Tensor& y, const Tensor& x);  ///< the angle of (x, y) in [-pi, pi]
Tensor hypot(const Tensor& a, const Tensor& b);  ///< sqrt(a^2 + b^2) without overflow
// The next three take integers too, and throw ShapeError for integers divided by 0.
Tensor fmod(const Tensor& a, const Tensor& b);          ///< a - b trunc(a / b)
Tensor remainder(const Tensor& a, const Tensor& b);     ///< a - b floor(a / b), with the sign of b as in Python
Tensor floor_divide(const Tensor& a, const Tensor& b);  ///< floor(a / b); its gradient is 0
Tensor fmod(const Tensor& a, double b);
Tensor remainder(const Tensor& a, double b);
Tensor floor_divide(const Tensor& a, double b);
Tensor lerp(const Tensor& start, const Tensor& end, const Tensor& weight);  ///< start + weight (end - start)
Tensor lerp(const Tensor& start, const Tensor& end, double weight);
Tensor addcmul(const Tensor& x, const Tensor& a, const Tensor& b, double value = 1);  ///< x + value a b
Tensor addcdiv(const Tensor& x, const Tensor& a, const Tensor& b, double value = 1);  ///< x + value a / b
Tensor logaddexp(const Tensor& a, const Tensor& b);                                   ///< ln(e^a + e^b)
/// Finite numbers in place of NaN, infinity and minus infinity; by default the largest ones. Gradient 0 there.
Tensor nan_to_num(const Tensor& x, double nan = 0, std::optional<double> infinity = {},
                  std::optional<double> minus_infinity = {});

// --- functions of one variable (functions.cpp) ---
Tensor exp2(const Tensor& x);
Tensor log2(const Tensor& x);
Tensor log10(const Tensor& x);
Tensor asinh(const Tensor& x);
Tensor acosh(const Tensor& x);
Tensor atanh(const Tensor& x);
Tensor erfc(const Tensor& x);   ///< 1 - erf(x)
Tensor trunc(const Tensor& x);  ///< towards 0; gradient 0
Tensor frac(const Tensor& x);   ///< x - trunc(x)

// --- special functions (special.cpp) ---
Tensor erfinv(const Tensor& x);   ///< the inverse of erf, for -1 <= x <= 1; NaN elsewhere
Tensor lgamma(const Tensor& x);   ///< ln |Gamma(x)|; infinity at 0, -1, -2, ...
Tensor digamma(const Tensor& x);  ///< d/dx ln Gamma(x); NaN at -1, -2, ..., minus infinity at 0
/// The derivative of digamma of order n, from 0 to 100 (ConfigError for others, and in the backward pass of order 100,
/// which needs 101). For n >= 1 infinity with the sign (-1)^(n+1) at 0, -1, -2, ...
Tensor polygamma(int64_t n, const Tensor& x);
/// x ^ exponent, computed in f64 whatever the dtypes of the operands are; the result is f64.
Tensor float_power(const Tensor& x, double exponent);
Tensor float_power(const Tensor& x, const Tensor& exponent);

// --- activations (activations.cpp) ---
Tensor hardtanh(const Tensor& x, double low = -1, double high = 1);  ///< clamp() with gradient 0 at the bounds
Tensor relu6(const Tensor& x);                                       ///< hardtanh(x, 0, 6)
Tensor hardsigmoid(const Tensor& x);                                 ///< relu6(x + 3) / 6 (Howard et al. 2019)
Tensor hardswish(const Tensor& x);                                   ///< x hardsigmoid(x)
Tensor mish(const Tensor& x);                                        ///< x tanh(softplus(x)) (Misra 2019)
Tensor selu(const Tensor& x);  ///< scaled elu with fixed point mean 0, variance 1 (Klambauer et al. 2017)
Tensor celu(const Tensor& x, double alpha = 1);  ///< x above 0, else alpha (e^(x / alpha) - 1) (Barron 2017)
Tensor logsigmoid(const Tensor& x);              ///< ln sigmoid(x)
Tensor softsign(const Tensor& x);                ///< x / (1 + |x|)
Tensor tanhshrink(const Tensor& x);              ///< x - tanh(x)
Tensor threshold(const Tensor& x, double threshold, double value);  ///< x above the threshold, else `value`
/// x above 0, else weight x; weight of one element, or one for each channel, axis 1 of x (He et al. 2015).
Tensor prelu(const Tensor& x, const Tensor& weight);
Tensor glu(const Tensor& x, int axis = -1);  ///< a sigmoid(b) for the two halves of an axis (Dauphin et al. 2017)

}  // namespace ditharos
