#pragma once
// Internal to tensor/kernels/.
// Powers of two for softmax, in registers. Only for *_isa.cpp.
#include <ditharos/tensor/kernels/simd/vector.h>

namespace ditharos::kernels::DITHAROS_ISA {
namespace {

inline constexpr double log2_of_e = 1.44269504088896340736;

/// 2^x for x <= 0 (or little above) in the elements of V, a vector of floats or doubles or a number. In float it is 0
/// where 2^x would be a denormal. A softmax multiplies differences of scores with log2(e) times their scale, which is
/// one multiplication; e^x would take two more to reduce x. x = n + r with |r| <= 1/2, and 2^r is a minimax polynomial:
/// relative error below 1.6e-7 with all roundings, and 2^0 is exactly 1.
template <class V>
inline V exp2_negative(V x) {
  using T = decltype(element_of(x));
  constexpr int n = sizeof(V) / sizeof(T);
  if constexpr (sizeof(T) == sizeof(float)) {
    constexpr float rounder = 12582912.f + 127.f;  // 1.5 * 2^23: adding it leaves n + 127 in the low bits
    x = x < -127.f ? V{} - 127.f : x;              // there n + 127 and with it the factor are 0
    const V shifted = x + rounder;
    const V r = x - (shifted - rounder);
    V p = 0.00132695353f + V{};
    p = p * r + 0.00967129227f;
    p = p * r + 0.0555071086f;
    p = p * r + 0.240222469f;
    p = p * r + 0.693147004f;
    p = p * r + 1.f;
    // The shift drops the bits above n + 127.
    if constexpr (n == 1) return p * __builtin_bit_cast(float, __builtin_bit_cast(uint32_t, shifted) << 23);
    else return p * V(Vector<uint32_t, n>(shifted) << 23);
  } else if constexpr (n == 1) {
    return __builtin_exp2(x);
  } else {
    for (int i = 0; i < n; ++i) x[i] = __builtin_exp2(x[i]);
    return x;
  }
}

}  // namespace
}  // namespace ditharos::kernels::DITHAROS_ISA
