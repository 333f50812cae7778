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
template <class V>
inline V nearest(V x) {
  using Bits = Vector<uint32_t, int(sizeof(V) / sizeof(float))>;
  const Bits u = Bits(x), rounded = u + 0x7fffu + ((u >> 16) & 1u);
  return V(((u & 0x7fffffffu) > 0x7f800000u ? u | 0x400000u : rounded) & 0xffff0000u);
}

/// For code that is written once for numbers and for bfloat16.
template <class T>
inline T number(T x) {
  return x;
}
inline float number(bfloat16 x) { return widened(x); }
template <class T>
inline void assign(T& to, T x) {
  to = x;
}
inline void assign(bfloat16& to, float x) { to.bits = uint16_t(rounded_bits(x) >> 16); }

/// The same as read() of floats: V is a vector of floats or float.
template <class V>
inline V read(const bfloat16* p) {
  if constexpr (sizeof(V) == sizeof(float)) {
    return widened(*p);
  } else {
    constexpr int n = sizeof(V) / sizeof(float);
    typedef uint16_t Halves __attribute__((vector_size(n * 2), aligned(2), may_alias));
    const Halves bits = *reinterpret_cast<const Halves*>(p);
    return V(__builtin_convertvector(bits, Vector<uint32_t, n>) << 16);
  }
}

/// The same as write() of floats, rounded.
template <class V>
inline void write(bfloat16* p, V x) {
  if constexpr (sizeof(V) == sizeof(float)) {
    assign(*p, x);
  } else {
    constexpr int n = sizeof(V) / sizeof(float);
    typedef uint16_t Halves __attribute__((vector_size(n * 2), aligned(2), may_alias));
    *reinterpret_cast<Halves*>(p) = __builtin_convertvector(Vector<uint32_t, n>(nearest(x)) >> 16, Halves);
  }
}

#ifdef __AVX512BF16__
/// The bfloat16 nearest to the elements of a and then of b, two in each element of V.
template <class V>
inline V rounded_in_a_row(Vector<float, int(sizeof(V) / 4)> a, Vector<float, int(sizeof(V) / 4)> b) {
  if constexpr (sizeof(V) == 64) return V(_mm512_cvtne2ps_pbh(__m512(b), __m512(a)));
  else return V(_mm256_cvtne2ps_pbh(__m256(b), __m256(a)));
}
#endif
/// Pairs of first[i] and second[i] for the elements of V, a vector of pairs or a pair.
template <class V>
inline V pairs_of(const bfloat16* first, const bfloat16* second) {
  constexpr int n = sizeof(V) / sizeof(BfloatPair);
  if constexpr (n == 1) return uint32_t(first->bits) | uint32_t(second->bits) << 16;
  else return V(read<Vector<float, n>>(first)) >> 16 | V(read<Vector<float, n>>(second));
}
template <class V>
inline V pairs_of(const float* first, const float* second) {
  constexpr int n = sizeof(V) / sizeof(BfloatPair);
  if constexpr (n == 1) {
    return bfloat_pair(*first, *second);
  } else {
    const auto a = read<Vector<float, n>>(first), b = read<Vector<float, n>>(second);
#ifdef __AVX512BF16__
    Vector<uint16_t, 2 * n> order{};
#pragma GCC unroll 32
    for (int i = 0; i < 2 * n; ++i) order[i] = uint16_t(i / 2 + i % 2 * n);
    const auto in_a_row = rounded_in_a_row<V>(a, b);
    if constexpr (sizeof(V) == 64) return V(_mm512_permutexvar_epi16(__m512i(order), __m512i(in_a_row)));
    else return V(_mm256_permutexvar_epi16(__m256i(order), __m256i(in_a_row)));
#else
    return V(nearest(a)) >> 16 | V(nearest(b));
#endif
  }
}
/// Pairs of x[2 i] and x[2 i + 1] for the elements of V.
template <class V>
inline V adjacent_pairs(const bfloat16* x) {
  V pairs;
  __builtin_memcpy(&pairs, x, sizeof(V));
  return pairs;
}
template <class V>
inline V adjacent_pairs(const float* x) {
  constexpr int n = sizeof(V) / sizeof(BfloatPair);
  if constexpr (n == 1) {
    return bfloat_pair(x[0], x[1]);
  } else {
    const auto a = read<Vector<float, n>>(x), b = read<Vector<float, n>>(x + n);
#ifdef __AVX512BF16__
    return rounded_in_a_row<V>(a, b);
#else
    Indices<float, n> even{}, odd{};
    for (int i = 0; i < n; ++i) even[i] = 2 * i, odd[i] = 2 * i + 1;
    return V(nearest(shuffle<float, n>(a, b, even))) >> 16 | V(nearest(shuffle<float, n>(a, b, odd)));
#endif
  }
}

/// sum + a * row for vectors of numbers.
template <class V>
inline V multiply_add(V sum, V a, V row) {
  return sum + a * row;
}
/// sum + both products of the pairs; V and Pairs are vectors of floats and pairs.
template <class V, class Pairs>
inline V multiply_add(V sum, Pairs a, Pairs row) {
#ifdef __AVX512BF16__
  if constexpr (sizeof(V) == 64) return V(_mm512_dpbf16_ps(__m512(sum), __m512bh(a), __m512bh(row)));
  else return V(_mm256_dpbf16_ps(__m256(sum), __m256bh(a), __m256bh(row)));
#else
  sum += V(a & 0xffff0000u) * V(row & 0xffff0000u);
  return sum + V(a << 16) * V(row << 16);
#endif
}

}  // namespace
}  // namespace ditharos::kernels::DITHAROS_ISA
