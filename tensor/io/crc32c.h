#pragma once
// CRC-32C (Castagnoli), the checksum of iSCSI and ext4: finds every single-bit error and every burst of up to 32 bits.
#include <cstddef>
#include <cstdint>

namespace ditharos {

/// CRC-32C of n bytes. `crc` is the result for the bytes before: crc32c(b, m, crc32c(a, n)) is the checksum of a
/// followed by b.
[[nodiscard]] uint32_t crc32c(const void* data, size_t n, uint32_t crc = 0);

}  // namespace ditharos
