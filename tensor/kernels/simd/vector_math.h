#pragma once
// Internal to tensor/kernels/.
// exp, log, tanh, sigmoid, erf and the GELUs as plain branch-free functions, which the compiler vectorises inside
// loops. The float versions are polynomials (minimax fits; relative error about 1e-7); double goes to the C library.
// NaN gives NaN and infinities give the limits. Only for *_isa.cpp (see dispatch.h for what may stand there).
#ifndef DITHAROS_ISA
#error "vector_math.h belongs to *_isa.cpp, which are compiled with DITHAROS_ISA set to an instruction set"
#endif
#include <cstdint>

namespace ditharos::kernels::DITHAROS_ISA {
namespace {

// The standard library's min and max are templates that the linker would merge across instruction sets.
template <class T>
inline T min_of(T a, T b) {
  return b < a ? b : a;
}
template <class T>
inline T max_of(T a, T b) {
  return a < b ? b : a;
}

inline float sqrt(float x) { return __builtin_sqrtf(x); }
inline double sqrt(double x) { return __builtin_sqrt(x); }
inline float abs(float x) { return __builtin_fabsf(x); }
inline double abs(double x) { return __builtin_fabs(x); }
inline float copy_sign(float size, float sign) { return __builtin_copysignf(size, sign); }

inline constexpr float infinity = __builtin_inff();

/// e^x. x = n ln 2 + r with |r| <= ln(2)/2, e^r = 1 + r + r^2 P(r); 2^n is applied in two factors, so that results
/// near both ends of the range come out right.
inline float exp(float x) {
  constexpr float log2_e = 1.44269504f, ln2_high = 0.693359375f, ln2_low = -2.12194440e-4f;
  constexpr float rounder = 12582912.f;  // 1.5 * 2^23: adding it leaves the nearest integer in the low bits
  x = x < -105.f ? -105.f : x;           // written so that NaN stays NaN
  x = x > 89.f ? 89.f : x;
  const float shifted = x * log2_e + rounder;
  const int32_t n = __builtin_bit_cast(int32_t, shifted) - __builtin_bit_cast(int32_t, rounder);
  const float whole = shifted - rounder;
  const float r = (x - whole * ln2_high) - whole * ln2_low;
  float p = 0.00138131424f;
  p = p * r + 0.00836941879f;
  p = p * r + 0.0416684560f;
  p = p * r + 0.166665152f;
  p = p * r + 0.499999940f;
  const float e = p * (r * r) + r + 1.f;
  const int32_t half = n >> 1;
  const float scale0 = __builtin_bit_cast(float, (half + 127) << 23);
  const float scale1 = __builtin_bit_cast(float, (n - half + 127) << 23);
  return e * scale0 * scale1;
}
inline double exp(double x) { return __builtin_exp(x); }

/// e^x for x <= 0 (or little above), as softmax needs it: a third cheaper, and 0 where e^x would be a denormal.
inline float exp_negative(float x) {
  constexpr float log2_e = 1.44269504f, ln2_high = 0.693359375f, ln2_low = -2.12194440e-4f;
  constexpr float rounder = 12582912.f;
  x = x < -88.f ? -88.f : x;  // there n + 127 and with it the factor are 0
  const float shifted = x * log2_e + rounder;
  const float whole = shifted - rounder;
  const float r = (x - whole * ln2_high) - whole * ln2_low;
  float p = 0.00138131424f;
  p = p * r + 0.00836941879f;
  p = p * r + 0.0416684560f;
  p = p * r + 0.166665152f;
  p = p * r + 0.499999940f;
  const float e = p * (r * r) + r + 1.f;
  // The low bits of `shifted` are n + 127, less that of the rounder, once 127 is added; the shift drops the rest.
  const int32_t exponent = (__builtin_bit_cast(int32_t, shifted) + 127) << 23;
  return e * __builtin_bit_cast(float, exponent);
}
inline double exp_negative(double x) { return __builtin_exp(x); }

/// ln x. x = 2^e m with m in [sqrt(1/2), sqrt(2)), f = m - 1, ln m = f - f^2/2 + f^3 P(f).
inline float log(float x) {
  constexpr float ln2_high = 0.693359375f, ln2_low = -2.12194440e-4f;
  const bool tiny = x < 1.17549435e-38f;
  const float y = tiny ? x * 8388608.f : x;  // denormals: times 2^23
  const int32_t bits = __builtin_bit_cast(int32_t, y);
  const int32_t e = static_cast<int32_t>(uint32_t(bits) - 0x3f3504f3u) >> 23;  // unsigned: wraps for negative x
  const float f = __builtin_bit_cast(float, uint32_t(bits) - (uint32_t(e) << 23)) - 1.f;
  float p = -0.0763442963f;
  p = p * f + 0.127615496f;
  p = p * f - 0.131601945f;
  p = p * f + 0.142017618f;
  p = p * f - 0.166233569f;
  p = p * f + 0.200012267f;
  p = p * f - 0.250008225f;
  p = p * f + 0.333333313f;
  const float exponent = static_cast<float>(tiny ? e - 23 : e);
  const float square = f * f;
  float result = square * (f * p - 0.5f) + exponent * ln2_low + f + exponent * ln2_high;
  result = x < infinity ? result : x;  // infinity and NaN
  result = x == 0.f ? -infinity : result;
  return x < 0.f ? __builtin_nanf("") : result;
}
inline double log(double x) { return __builtin_log(x); }

/// ln(1 + x) for x >= 0: the factor x / (u - 1) undoes the rounding of u = 1 + x (Kahan).
template <class T>
inline T log1p_of_positive(T x) {
  const T u = T(1) + x;
  return u == T(1) ? x : log(u) * (x / (u - T(1)));
}

/// 1 / (1 + e^-x).
inline float sigmoid(float x) {
  const float bounded = x < -89.f ? -89.f : x;  // exp_negative makes infinity of e^89, and so this 0
  return 1.f / (1.f + exp_negative(-bounded));
}
inline double sigmoid(double x) { return 1. / (1. + __builtin_exp(-x)); }

/// Its derivative s(x) s(-x) = e / (1 + e)^2 with e = e^-|x|. From s, 1 - s would be 0 far out.
template <class T>
inline T sigmoid_derivative(T x) {
  const T e = exp_negative(-abs(x)), sum = T(1) + e;
  return e / (sum * sum);
}

/// tanh x: x + x^3 P(x^2) near 0, where (1 - e^-2|x|) / (1 + e^-2|x|) would cancel.
inline float tanh(float x) {
  const float a = abs(x), square = a * a;
  float p = -0.00567240035f;
  p = p * square + 0.0206109025f;
  p = p * square - 0.0537314117f;
  p = p * square + 0.133313477f;
  p = p * square - 0.333332777f;
  const float near = a + a * (square * p);
  const float e = exp_negative(-2.f * a);
  const float far = (1.f - e) / (1.f + e);
  return copy_sign(a < 0.625f ? near : far, x);
}
inline double tanh(double x) { return __builtin_tanh(x); }
/// Its derivative 1 / cosh^2 x, which 1 - tanh^2 x loses far out.
template <class T>
inline T tanh_derivative(T x) {
  return T(4) * sigmoid_derivative(T(2) * x);
}

/// erfc(a) for a >= 0: e^(-a^2) t Q(t) with t = 1 / (1 + 0.4 a). The square is split so that its rounding does not
/// show: a^2 = head^2 + (a^2 - head^2), of which the first is exact.
inline float erfc_of_positive(float a) {
  a = a > 10.5f ? 10.5f : a;  // 0 in float from 10.06 on
  const float t = 1.f / (1.f + 0.4f * a);
  float q = -0.0286371615f;
  q = q * t + 0.192823723f;
  q = q * t - 0.486632884f;
  q = q * t + 0.531232417f;
  q = q * t - 0.270927817f;
  q = q * t + 0.264876246f;
  q = q * t + 0.132155642f;
  q = q * t + 0.214390904f;
  q = q * t + 0.225015253f;
  q = q * t + 0.225703672f;
  const float head = __builtin_bit_cast(float, __builtin_bit_cast(int32_t, a) & int32_t(0xfffff000));
  const float tail = (head - a) * (head + a);
  return exp_negative(-head * head) * exp_negative(tail) * (t * q);
}

/// erf x: x P(x^2) below 1, 1 - erfc(x) above.
inline float erf(float x) {
  const float a = abs(x), square = x * x;
  float p = 7.78768881e-05f;
  p = p * square - 0.000799161498f;
  p = p * square + 0.00518638315f;
  p = p * square - 0.0268528797f;
  p = p * square + 0.112835653f;
  p = p * square - 0.376126230f;
  p = p * square + 1.12837911f;
  const float far = copy_sign(1.f - erfc_of_positive(a), x);
  return a < 1.f ? x * p : far;
}
inline double erf(double x) { return __builtin_erf(x); }

/// 1 - erf x, to full relative accuracy in the upper tail too.
inline float erfc(float x) {
  const float tail = erfc_of_positive(abs(x));
  return x < 0.f ? 2.f - tail : tail;
}
inline double erfc(double x) { return __builtin_erfc(x); }

/// Phi(x), the normal distribution function, to full relative accuracy in the lower tail too.
inline float normal_cdf(float x) {
  const float tail = 0.5f * erfc_of_positive(0.707106781f * abs(x));
  return x > 0.f ? 1.f - tail : tail;
}
inline double normal_cdf(double x) { return 0.5 * __builtin_erfc(-0.70710678118654752440 * x); }
/// phi(x) = e^(-x^2/2) / sqrt(2 pi), its derivative.
template <class T>
inline T normal_density(T x) {
  return T(0.39894228040143267794) * exp(T(-0.5) * x * x);
}

/// Multiplicand for f(x) -> 0 as x -> -infinity: keeps 0 * infinity out, changes nothing where f is not yet 0.
template <class T>
inline T bounded_below(T x) {
  return x < T(-1e4) ? T(-1e4) : x;
}

/// x Phi(x) (Hendrycks and Gimpel 2016) and its derivative Phi(x) + x phi(x).
template <class T>
inline T gelu(T x) {
  return bounded_below(x) * normal_cdf(x);
}
template <class T>
inline T gelu_derivative(T x) {
  const T bounded = x > T(1e4) ? T(1e4) : bounded_below(x);
  return normal_cdf(x) + bounded * normal_density(bounded);
}

/// Its tanh approximation, 0.5 x (1 + tanh u) = x sigmoid(2u) with u = sqrt(2/pi) (x + 0.044715 x^3), and its
/// derivative s + x s (1 - s) 2u'.
template <class T>
inline T gelu_tanh(T x) {
  constexpr T c1 = T(2 * 0.79788456080286535588), c3 = T(2 * 0.79788456080286535588 * 0.044715);
  return bounded_below(x) * sigmoid(x * (c1 + c3 * x * x));
}
template <class T>
inline T gelu_tanh_derivative(T x) {
  constexpr T c1 = T(2 * 0.79788456080286535588), c3 = T(2 * 0.79788456080286535588 * 0.044715);
  const T bounded = x > T(1e4) ? T(1e4) : bounded_below(x);
  const T square = bounded * bounded;
  const T s = sigmoid(bounded * (c1 + c3 * square));
  return s + s * (T(1) - s) * bounded * (c1 + T(3) * c3 * square);
}

/// x sigmoid(x) and its derivative s (1 + x (1 - s)).
template <class T>
inline T silu(T x) {
  return bounded_below(x) * sigmoid(x);
}
template <class T>
inline T silu_derivative(T x) {
  const T bounded = x > T(1e4) ? T(1e4) : bounded_below(x);
  const T s = sigmoid(bounded);
  return s * (T(1) + bounded * (T(1) - s));
}

}  // namespace
}  // namespace ditharos::kernels::DITHAROS_ISA
