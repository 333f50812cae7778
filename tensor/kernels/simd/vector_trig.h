#pragma once
// Internal to tensor/kernels/.
// Sine and cosine of f32 in double, which the compiler vectorises. Only for *_isa.cpp (see dispatch.h).
#ifndef DITHAROS_ISA
#error "vector_trig.h belongs to *_isa.cpp, which are compiled with DITHAROS_ISA set to an instruction set"
#endif
#include <cstdint>

namespace ditharos::kernels::DITHAROS_ISA {
namespace {

/// Beyond it, the quarter turns are too many for the subtraction below to be exact.
inline constexpr float largest_angle = 1e6f;

/// sin(x), or cos(x) for `ahead` = 1: a quarter turn ahead. x = k pi/2 + r with |r| <= pi/4; pi/2 is split into three
/// parts, of which the products of the first two with k are exact. Taylor's polynomials, whose error is below 1e-11.
inline float circular(float x, int64_t ahead) {
  constexpr double part1 = 1.57079632673412561417, part2 = 6.07710050630396597660e-11;
  constexpr double part3 = 2.02226624879595063154e-21;
  constexpr double rounder = 6755399441055744.;  // 1.5 * 2^52: adding it leaves the nearest integer in the low bits
  const double v = x, shifted = v * 0.63661977236758134308 + rounder, k = shifted - rounder;
  const int64_t turns = __builtin_bit_cast(int64_t, shifted) + ahead;
  const double r = v - k * part1 - k * part2 - k * part3, s = r * r;
  double sine = -1. / 39916800;
  sine = sine * s + 1. / 362880;
  sine = sine * s - 1. / 5040;
  sine = sine * s + 1. / 120;
  sine = sine * s - 1. / 6;
  sine = r * (sine * s + 1.);
  double cosine = 1. / 479001600;
  cosine = cosine * s - 1. / 3628800;
  cosine = cosine * s + 1. / 40320;
  cosine = cosine * s - 1. / 720;
  cosine = cosine * s + 1. / 24;
  cosine = cosine * s - .5;
  cosine = cosine * s + 1.;
  const double size = (turns & 1) != 0 ? cosine : sine;
  return float((turns & 2) != 0 ? -size : size);
}

/// A loop over whole blocks of 16. Angles beyond the limit are left to the C library, element by element.
template <int64_t ahead>
void circular_loop(int64_t n, const float* x, float* y, float, float) {
  constexpr int64_t block = 16;
  for (int64_t first = 0; first + block <= n; first += block) {
    float in[block], out[block];
    __builtin_memcpy(in, x + first, sizeof in);
#pragma omp simd
    for (int64_t i = 0; i < block; ++i) out[i] = circular(in[i], ahead);
    int32_t far = 0;
    for (int64_t i = 0; i < block; ++i) far |= __builtin_fabsf(in[i]) > largest_angle;
    if (far != 0)
      for (int64_t i = 0; i < block; ++i)
        if (__builtin_fabsf(in[i]) > largest_angle) out[i] = ahead != 0 ? __builtin_cosf(in[i]) : __builtin_sinf(in[i]);
    __builtin_memcpy(y + first, out, sizeof out);
  }
}

}  // namespace
}  // namespace ditharos::kernels::DITHAROS_ISA
