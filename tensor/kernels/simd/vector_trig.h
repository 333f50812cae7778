#pragma once
// Internal to tensor/kernels/.
// Sine and cosine of f32 in double, which the compiler vectorises. Only for *_isa.cpp (see dispatch.h).
#ifndef DITHAROS_ISA
#error "vector_trig.h belongs to *_isa.cpp, which are compiled with DITHAROS_ISA set to an instruction set"
#endif
#include <cstdint>

#include <ditharos/tensor/kernels/simd/vector_double.h>

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

/// True if one of 16 numbers is above the limit or below minus the limit.
inline bool any_beyond(const float* x, float limit) {
#if defined(__AVX512F__)
  const Vector<uint32_t> size = Vector<uint32_t>(load(x)) & 0x7fffffff;
  return _mm512_cmp_ps_mask((__m512)size, _mm512_set1_ps(limit), _CMP_GT_OQ) != 0;
#else
  int32_t beyond = 0;
  for (int i = 0; i < 16; ++i) beyond |= __builtin_fabsf(x[i]) > limit;
  return beyond != 0;
#endif
}

/// The same with a relative error below 1e-13: x = k pi + r with |r| <= pi/2, where one polynomial (a minimax fit)
/// does. For the cosine k is a whole number and a half.
template <int64_t ahead>
inline Vector<double> half_circular(Vector<double> x) {
  constexpr double part1 = 3.14159265346825122833, part2 = 1.21542010130123852445e-10;
  constexpr double rounder = 6755399441055744., inverse = 0.31830988618379067154;
  Vector<double> shifted, k;
  if constexpr (ahead == 0) {
    shifted = x * inverse + rounder;
    k = shifted - rounder;
  } else {
    shifted = (x * inverse + .5) + rounder;
    k = (shifted - rounder) - .5;
  }
  const Vector<double> r = (x - k * part1) - k * part2, s = r * r;
  Vector<double> p = s * 1.5409464371995495e-10 - 2.5030192575601598e-08;
  p = p * s + 2.7556953003354077e-06;
  p = p * s - 0.0001984126672849114;
  p = p * s + 0.008333333321081231;
  p = p * s - 0.1666666666650451;
  return Vector<double>(Vector<int64_t>(r + (r * s) * p) ^ (Vector<int64_t>(shifted) << 63));
}

/// A loop over whole blocks of 16. Its results are those of circular(), which a block needs only where the faster
/// function might round to another float. Angles beyond the limit are left to the C library, element by element.
template <int64_t ahead>
void circular_loop(int64_t n, const float* x, float* y, float, float) {
  constexpr int64_t block = 16;
  for (int64_t first = 0; first + block <= n; first += block) {
    float in[block];
    __builtin_memcpy(in, x + first, sizeof in);
    const bool far = any_beyond(in, largest_angle);
    // The 29 bits that f32 has not are within 2^17 of those of a midpoint, and a result within 1.4e-11 |x| might be on
    // the other side: the bits above the 18 of that distance are then 0.
    AnyClear near_midpoint((1 << 29) - (1 << 18));
#pragma GCC unroll 8
    for (int64_t i = 0; i < block; i += lanes<double>) {
      const Vector<double> value = half_circular<ahead>(load_widened(in + i));
      store_narrowed(y + first + i, value);
      near_midpoint.add(Vector<int64_t>(value) - ((1 << 28) - (1 << 17)));
    }
    if (__builtin_expect(!far && !near_midpoint, 1)) continue;
#pragma omp simd
    for (int64_t i = 0; i < block; ++i) y[first + i] = circular(in[i], ahead);
    for (int64_t i = 0; i < block; ++i)
      if (__builtin_fabsf(in[i]) > largest_angle)
        y[first + i] = ahead != 0 ? __builtin_cosf(in[i]) : __builtin_sinf(in[i]);
  }
}

}  // namespace
}  // namespace ditharos::kernels::DITHAROS_ISA
