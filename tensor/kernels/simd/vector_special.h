#pragma once
// Internal to tensor/kernels/.
// The inverse error function, and the gamma function's logarithm with its derivatives. Only for *_isa.cpp (see
// dispatch.h). The f32 versions of erfinv and digamma are free of branches, so that the compiler vectorises them.
#ifndef DITHAROS_ISA
#error "vector_special.h belongs to *_isa.cpp, which are compiled with DITHAROS_ISA set to an instruction set"
#endif
#include <cstdint>

#include <ditharos/tensor/kernels/simd/vector_math.h>

extern "C" float lgammaf_r(float, int*) noexcept;
extern "C" double lgamma_r(double, int*) noexcept;

namespace ditharos::kernels::DITHAROS_ISA {
namespace {

/// c[0] + c[1] x + ... + c[n-1] x^(n-1).
template <class T, int64_t n>
inline T polynomial(const T (&c)[n], T x) {
  T sum = c[n - 1];
#pragma GCC unroll 24
  for (int64_t i = n - 2; i >= 0; --i) sum = sum * x + c[i];
  return sum;
}

/// erf^-1(x) in f32: x P(w) with w = -ln(1 - x^2), one polynomial for w < 5 and another one in sqrt(w) (Giles,
/// "Approximating the erfinv function", GPU Computing Gems 2010, table 2).
inline float erfinv(float x) {
  constexpr float central[] = {1.50140941f,     0.246640727f,   -0.00417768164f, -0.00125372503f, 0.00021858087f,
                               -4.39150654e-6f, -3.5233877e-6f, 3.43273939e-7f,  2.81022636e-8f};
  constexpr float tail[] = {2.83297682f,     1.00167406f,    0.00943887047f,  -0.0076224613f,  0.00573950773f,
                            -0.00367342844f, 0.00134934322f, 0.000100950558f, -0.000200214257f};
  const float w = -log((1.f - x) * (1.f + x));  // NaN beyond 1
  const float inner = polynomial(central, w - 2.5f), outer = polynomial(tail, sqrt(w < 5.f ? 5.f : w) - 3.f);
  const float y = x * (w < 5.f ? inner : outer);
  return abs(x) == 1.f ? copy_sign(infinity, x) : y;
}

/// The same in f64, from the normal quantile Phi^-1(p) = sqrt(2) erf^-1(2p - 1): the rational functions of algorithm
/// AS 241, PPND16 (Wichura, Applied Statistics 37, 1988), with a relative error of about 1e-16.
inline double erfinv(double x) {
  constexpr double a[] = {3.3871328727963666080,    1.3314166789178437745e+2, 1.9715909503065514427e+3,
                          1.3731693765509461125e+4, 4.5921953931549871457e+4, 6.7265770927008700853e+4,
                          3.3430575583588128105e+4, 2.5090809287301226727e+3};
  constexpr double b[] = {1,
                          4.2313330701600911252e+1,
                          6.8718700749205790830e+2,
                          5.3941960214247511077e+3,
                          2.1213794301586595867e+4,
                          3.9307895800092710610e+4,
                          2.8729085735721942674e+4,
                          5.2264952788528545610e+3};
  constexpr double c[] = {1.42343711074968357734,    4.63033784615654529590,   5.76949722146069140550,
                          3.64784832476320460504,    1.27045825245236838258,   2.41780725177450611770e-1,
                          2.27238449892691845833e-2, 7.74545014278341407640e-4};
  constexpr double d[] = {1,
                          2.05319162663775882187,
                          1.67638483018380384940,
                          6.89767334985100004550e-1,
                          1.48103976427480074590e-1,
                          1.51986665636164571966e-2,
                          5.47593808499534494600e-4,
                          1.05075007164441684324e-9};
  constexpr double e[] = {6.65790464350110377720,    5.46378491116411436990,    1.78482653991729133580,
                          2.96560571828504891230e-1, 2.65321895265761230930e-2, 1.24266094738807843860e-3,
                          2.71155556874348757815e-5, 2.01033439929228813265e-7};
  constexpr double f[] = {1,
                          5.99832206555887937690e-1,
                          1.36929880922735805310e-1,
                          1.48753612908506148525e-2,
                          7.86869131145613259100e-4,
                          1.84631831751005468180e-5,
                          1.42151175831644588870e-7,
                          2.04426310338993978564e-15};
  constexpr double root_half = 0.70710678118654752440;
  const double size = abs(x);
  if (size <= .85) {
    const double q = .5 * x, r = .180625 - q * q;
    return root_half * q * (polynomial(a, r) / polynomial(b, r));
  }
  if (!(size < 1)) return size == 1 ? __builtin_copysign(__builtin_inf(), x) : __builtin_nan("");
  const double r = sqrt(-log(.5 * (1 - size)));  // of the tail's probability; 1 - |x| is exact
  const double y =
      r <= 5 ? polynomial(c, r - 1.6) / polynomial(d, r - 1.6) : polynomial(e, r - 5) / polynomial(f, r - 5);
  return __builtin_copysign(root_half * y, x);
}

/// ln |Gamma(x)|. The C library's with the sign apart: lgamma() would store it in a variable that all threads share.
inline float lgamma(float x) {
  int sign = 0;
  return lgammaf_r(x, &sign);
}
inline double lgamma(double x) {
  int sign = 0;
  return lgamma_r(x, &sign);
}

/// psi(x) = d/dx ln Gamma(x) in f32. In [1, 2): (x - x0) P(x) with its root x0 in two parts, whose digits near the root
/// a sum would lose. From 2 on: ln m + w Q(w) with m = x - 1/2, w = 1/m^2. Below 1: psi(x + 1) - 1/x. Below 0:
/// psi(1 - x) - pi cot(pi x), where pi r cot(pi r) = (1 - 4 r^2) R(r^2) for |r| <= 1/2. P, Q and R are minimax fits
/// with relative errors below 2e-7.
inline float digamma(float x) {
  constexpr float p[] = {0.951055884f,   -0.423625290f, 0.240541071f,   -0.148517162f, 0.0950634554f,
                         -0.0603421740f, 0.0397088714f, -0.0349669792f, 0.0232276600f};
  constexpr float q[] = {0.0416665897f, -0.00728281913f, 0.00366752385f, -0.00272400747f, 0.00136386557f};
  constexpr float r[] = {0.999999821f, 0.710184276f, 0.673478842f, 0.708327353f, 0.383521408f, 1.53215635f};
  const bool reflected = x < 0.f;
  const float y = reflected ? 1.f - x : x, t = y < 1.f ? y + 1.f : y;
  const float near = ((t - 1.46163213f) - 1.24381501e-8f) * polynomial(p, t - 1.5f);
  const float m = t - 0.5f, w = 1.f / (m * m), far = log(m) + w * polynomial(q, w);
  const float above = (t < 2.f ? near : far) - (y < 1.f ? 1.f / y : 0.f);
  const float part = x - __builtin_rintf(x), square = part * part;
  const float cotangent = (1.f - 4.f * square) * polynomial(r, square) / part;
  const float below = part == 0.f ? __builtin_nanf("") : above - cotangent;  // NaN at the poles, as in PyTorch
  return x == 0.f ? copy_sign(infinity, -x) : reflected ? below : above;
}

/// cot(pi r) for |r| <= 1/2: exactly 0 at 1/2, where tan(pi r) of a rounded pi r would not be infinite.
inline double cotangent_of_half_turns(double r) {
  constexpr double pi = 3.14159265358979323846;
  const double size = abs(r), half = .5 - size;
  return __builtin_copysign(size < .25 ? 1 / __builtin_tan(pi * size) : __builtin_tan(pi * half), r);
}

/// The same in f64: psi(x) = psi(x - n) + sum 1 / (x - k) down to [1, 2), where a polynomial has a relative error of
/// 2e-16; from 10 on the asymptotic series (Abramowitz and Stegun 6.3.18).
inline double digamma(double x) {
  constexpr double p[] = {0.95105587603183284,    -0.42362742128145731,    0.24054248424078478,
                          -0.14840492305485808,   0.094988724453541826,    -0.06192213319072707,
                          0.040760833884338703,   -0.026975800029253667,   0.017907250563619775,
                          -0.011908146513976738,  0.0079269727356463589,   -0.0052809030660906052,
                          0.0035187504361950134,  -0.0023375526471031182,  0.0015580749137213761,
                          -0.0010776863967234226, 0.00071841079690463782,  -0.00035476352053371977,
                          0.00023650171719339814, -0.00037839078972488579, 0.00025225905069648852};
  constexpr double bernoulli[] = {1. / 12,  -1. / 120,     1. / 252, -1. / 240,
                                  1. / 132, -691. / 32760, 1. / 12,  -3617. / 8160};
  if (x == 0) return __builtin_copysign(__builtin_inf(), -x);
  if (x < 0) {
    const double part = x - __builtin_rint(x);
    constexpr double pi = 3.14159265358979323846;
    return part == 0 ? __builtin_nan("") : digamma(1 - x) - pi * cotangent_of_half_turns(part);
  }
  if (x >= 10) {
    const double w = 1 / (x * x);
    return (log(x) - .5 / x) - w * polynomial(bernoulli, w);
  }
  if (x < 1) return digamma(x + 1) - 1 / x;
  double sum = 0, t = x;
  for (; t >= 2; sum += 1 / t) t -= 1;
  return sum + ((t - 1.4616321449683622) - 9.549995429965697e-17) * polynomial(p, t - 1.5);  // NaN stays NaN
}

inline constexpr int64_t largest_order = 100;

/// n! / x^(n+1), by factors, so that neither part overflows.
inline double reciprocal_power(int64_t n, double x) {
  double power = 1 / x;
  for (int64_t i = 1; i <= n; ++i) power *= double(i) / x;
  return power;
}

/// n! sum_k 1 / (x + k)^(n+1) for x > 0, which is (-1)^(n+1) psi_n(x): terms up to n + 10, from there on the
/// Euler-Maclaurin formula (n-1)! / x^n (1 + n / (2x) + sum_j B_2j / (2j)! n (n+1) ... (n+2j-1) / x^2j).
inline double polygamma_of_positive(int64_t n, double x) {
  constexpr double bernoulli[] = {1. / 6,       -1. / 30, 1. / 42,      -1. / 30,     5. / 66,
                                  -691. / 2730, 7. / 6,   -3617. / 510, 43867. / 798, -174611. / 330};
  double terms = 0, z = x;
  for (; z < double(n) + 10; z += 1) terms += reciprocal_power(n, z);
  double series = 1 + double(n) / (2 * z), factor = 1;
  for (int64_t j = 1; j <= 10; ++j) {
    factor *= (double(n + 2 * j - 2) / (double(2 * j - 1) * z)) * (double(n + 2 * j - 1) / (double(2 * j) * z));
    series += bernoulli[j - 1] * factor;
  }
  return terms + reciprocal_power(n - 1, z) * series;
}

/// psi_n(x), the derivative of order n >= 1 of digamma. Below 0: (-1)^n psi_n(1 - x) - d^n/dx^n pi cot(pi x), where the
/// derivative is a polynomial in c = cot(pi x), from cot' = -(1 + c^2). At the poles infinity with the sign (-1)^(n+1).
template <class T>
void polygamma_loop(int64_t size, const T* x, T* y, T order, T) {
  constexpr double pi = 3.14159265358979323846;
  const int64_t n = int64_t(order);
  double cotangent[largest_order + 2] = {0, pi};  // pi^(n+1) times the coefficients of 1, c, c^2, ...
  for (int64_t k = 1; k <= n; ++k) {
    double last = 0;  // the coefficient of c^(i-1) in the derivative with respect to c, before it changes
    double before = 0;
    for (int64_t i = 0; i <= k + 1; ++i) {
      const double slope = i <= k ? double(i + 1) * cotangent[i + 1] : 0;
      const double value = -pi * (slope + before);
      before = last, last = slope;
      cotangent[i] = value;
    }
  }
  const double sign = n % 2 == 0 ? -1 : 1;
  for (int64_t i = 0; i < size; ++i) {
    const double v = double(x[i]);
    if (v > 0) {
      y[i] = T(sign * polygamma_of_positive(n, v));
      continue;
    }
    const double part = v - __builtin_rint(v);
    if (part == 0) {
      y[i] = T(sign * __builtin_inf());
      continue;
    }
    const double c = cotangent_of_half_turns(part);
    double derivative = cotangent[n + 1];
    for (int64_t k = n; k >= 0; --k) derivative = derivative * c + cotangent[k];
    y[i] = T(-polygamma_of_positive(n, 1 - v) - derivative);
  }
}

}  // namespace
}  // namespace ditharos::kernels::DITHAROS_ISA
