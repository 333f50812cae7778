#pragma once
// Internal to tensor/kernels/.
// Products of bfloat16 with sums in float. Only for *_isa.cpp.
//
// VDPBF16PS multiplies two vectors of pairs of bfloat16 and adds both products of a pair to one float. So operands hold
// pairs of numbers that are adjacent along the sum.
#include <ditharos/tensor/bfloat16.h>
#include <ditharos/tensor/kernels/simd/vector.h>
#ifdef __AVX512BF16__
#include <immintrin.h>
#endif

namespace ditharos::kernels::DITHAROS_ISA {
namespace {

/// Two bfloat16; the first is in the lower half.
using BfloatPair = uint32_t;

/// x rounded to bfloat16, to the nearest and ties to even, in the upper half; the lower half is 0. NaN stays NaN.
inline uint32_t rounded_bits(float x) {
  const uint32_t u = __builtin_bit_cast(uint32_t, x);
  const uint32_t rounded = u + 0x7fffu + ((u >> 16) & 1u);
  return ((u & 0x7fffffffu) > 0x7f800000u ? u | 0x400000u : rounded) & 0xffff0000u;
}
inline BfloatPair bfloat_pair(float first, float second) { return rounded_bits(first) >> 16 | rounded_bits(second); }
inline float widened(bfloat16 x) { return __builtin_bit_cast(float, uint32_t(x.bits) << 16); }

/// The nearest bfloat16 as a float.
inline float nearest(float x) { return __builtin_bit_cast(float, rounded_bits(x)); }
inline Vector<float> nearest(Vector<float> x) {
  const Vector<uint32_t> u = Vector<uint32_t>(x), rounded = u + 0x7fffu + ((u >> 16) & 1u);
  return Vector<float>(((u & 0x7fffffffu) > 0x7f800000u ? u | 0x400000u : rounded) & 0xffff0000u);
}

/// For code that is written once for numbers and for bfloat16.
template <class T> inline T number(T x) { return x; }
inline float number(bfloat16 x) { return widened(x); }
template <class T> inline void assign(T& to, T x) { to = x; }
inline void assign(bfloat16& to, float x) { to.bits = uint16_t(rounded_bits(x) >> 16); }

/// The same as read() of floats: V is Vector<float> or float.
template <class V> inline V read(const bfloat16* p) {
  if constexpr (sizeof(V) == sizeof(float)) {
    return widened(*p);
  } else {
    typedef uint16_t Halves __attribute__((vector_size(vector_bytes / 2), aligned(2), may_alias));
    const Halves bits = *reinterpret_cast<const Halves*>(p);
    return V(__builtin_convertvector(bits, Vector<uint32_t>) << 16);
  }
}

/// sum + a * row.
template <class T>
inline Vector<T> multiply_add(Vector<T> sum, T a, Vector<T> row) {
  return sum + a * row;
}
/// sum + both products of the pairs.
inline Vector<float> multiply_add(Vector<float> sum, BfloatPair a, Vector<BfloatPair> row) {
#ifdef __AVX512BF16__
  return Vector<float>(_mm512_dpbf16_ps(__m512(sum), __m512bh(_mm512_set1_epi32(int(a))), __m512bh(row)));
#else
  sum += __builtin_bit_cast(float, a & 0xffff0000u) * Vector<float>(row & 0xffff0000u);
  return sum + __builtin_bit_cast(float, a << 16) * Vector<float>(row << 16);
#endif
}

}  // namespace
}  // namespace ditharos::kernels::DITHAROS_ISA
