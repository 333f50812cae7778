#pragma once
// The bytes of safetensors files, valid or not.
#include <cstdint>
#include <cstring>
#include <string>

namespace ditharos::tests {

/// A file of a header and data, the length put before it.
inline std::string file_of(const std::string& header, const std::string& data) {
  const uint64_t length = header.size();
  std::string bytes(8, '\0');
  std::memcpy(bytes.data(), &length, 8);
  return bytes + header + data;
}

}  // namespace ditharos::tests
