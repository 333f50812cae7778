#pragma once
// float16: IEEE 754 binary16. A type of storage and files: arithmetic goes through float.
#include <bit>
#include <cstdint>

namespace ditharos {

struct float16 {
  uint16_t bits = 0;

  float16() = default;
  /// Rounds to nearest even, to subnormals too. From 65520 on it is infinity. NaN stays NaN.
  explicit float16(float value) {
    const auto u = std::bit_cast<uint32_t>(value);
    const auto sign = uint16_t((u >> 16) & 0x8000u);
    const uint32_t size = u & 0x7fffffffu;
    if (size > 0x7f800000u) {
      bits = uint16_t(sign | 0x7e00u | ((size >> 13) & 0x3ffu));
    } else if (size >= 0x477ff000u) {
      bits = uint16_t(sign | 0x7c00u);
    } else if (size < 0x38800000u) {
      // Below 2^-14: the last place of 0.5f is that of a subnormal, 2^-24, so this addition rounds.
      bits = uint16_t(sign | (std::bit_cast<uint32_t>(std::bit_cast<float>(size) + 0.5f) - 0x3f000000u));
    } else {
      bits = uint16_t(sign | ((size - (112u << 23) + 0xfffu + ((size >> 13) & 1u)) >> 13));
    }
  }
  operator float() const {
    const uint32_t sign = uint32_t(bits & 0x8000u) << 16, size = bits & 0x7fffu;
    if (size >= 0x7c00u) return std::bit_cast<float>(sign | 0x7f800000u | ((size & 0x3ffu) << 13));
    if (size < 0x400u) return std::bit_cast<float>(sign | std::bit_cast<uint32_t>(float(size) * 0x1p-24f));
    return std::bit_cast<float>(sign | ((size << 13) + (112u << 23)));
  }
};

}  // namespace ditharos
