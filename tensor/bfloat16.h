#pragma once
// bfloat16: the upper half of an IEEE float. A storage type: arithmetic goes through float.
#include <bit>
#include <cstdint>

namespace ditharos {

struct bfloat16 {
  uint16_t bits = 0;

  bfloat16() = default;
  /// Rounds to nearest even; NaN stays NaN (its payload would otherwise round up to infinity).
  explicit bfloat16(float value) {
    uint32_t u = std::bit_cast<uint32_t>(value);
    const bool nan = (u & 0x7fffffffu) > 0x7f800000u;
    bits = nan ? uint16_t((u >> 16) | 0x40u) : uint16_t((u + 0x7fffu + ((u >> 16) & 1u)) >> 16);
  }
  operator float() const { return std::bit_cast<float>(uint32_t(bits) << 16); }
};

}  // namespace ditharos
