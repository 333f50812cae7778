#pragma once
// Images as bytes, damaged ones whose header can still be read, and files of other contents and the same checksum,
// which a reader that compares checksums takes for unchanged.
#include <array>
#include <cstdint>
#include <string>
#include <utility>

#include <ditharos/data/codecs/png.h>
#include <ditharos/tensor/error.h>
#include <ditharos/tensor/factory.h>
#include <ditharos/tensor/io/crc32c.h>

namespace ditharos::tests {

/// A PNG of one value, but for its first pixel.
inline std::string png_bytes(int value, int64_t channels, int64_t height, int64_t width) {
  Tensor image = full({channels, height, width}, value, DType::u8);
  image.mutable_data<uint8_t>()[0] = 255;
  return data::encode_png(image, "a.png");
}

/// A PNG of the same header and length, whose pixels cannot be decoded.
inline std::string with_damaged_pixels(std::string png) {
  const size_t at = png.find("IDAT");
  check<Error>(at != std::string::npos, "[with_damaged_pixels] takes a PNG");
  png[at + 9] ^= 0x55;
  return png;
}

/// `bytes` with four more at their end, so that the CRC-32C of all is `checksum`. What follows the last chunk of a PNG
/// is not read.
inline std::string with_checksum(const std::string& bytes, uint32_t checksum) {
  const uint32_t before = crc32c(bytes.data(), bytes.size());
  const auto crc_with = [&](uint32_t suffix) { return crc32c(&suffix, sizeof suffix, before); };
  // The checksum is an affine function of the suffix: a linear system over the field of two elements, 32 unknowns.
  const uint32_t base = crc_with(0);
  std::array<uint64_t, 32> rows{};  // bit 32 + k: unknown k has been added; the lower bits: what it changes
  for (int k = 0; k < 32; ++k) rows[size_t(k)] = uint64_t{1} << (32 + k) | (crc_with(uint32_t{1} << k) ^ base);
  uint64_t wanted = checksum ^ base;
  for (int bit = 0; bit < 32; ++bit) {
    for (int k = bit; k < 32; ++k)
      if (rows[size_t(k)] >> bit & 1) {
        std::swap(rows[size_t(k)], rows[size_t(bit)]);
        break;
      }
    for (int k = 0; k < 32; ++k)
      if (k != bit && (rows[size_t(k)] >> bit & 1)) rows[size_t(k)] ^= rows[size_t(bit)];
    if (wanted >> bit & 1) wanted ^= rows[size_t(bit)];
  }
  const auto suffix = static_cast<uint32_t>(wanted >> 32);
  check(crc_with(suffix) == checksum, "with_checksum");
  return bytes + std::string(reinterpret_cast<const char*>(&suffix), sizeof suffix);
}

}  // namespace ditharos::tests
