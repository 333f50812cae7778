#pragma once
// Which images of a set can be decoded. Packed samples keep it, so that nobody has to decode all images again.
#include <cstdint>
#include <string>
#include <vector>

namespace ditharos::data {

/// An image that is left out: its header can be read, but its pixels cannot be decoded.
struct DamagedImage {
  std::string name;       ///< relative to the folder of the set; UTF-8
  uint32_t checksum = 0;  ///< CRC-32C of its bytes
  std::string reason;     ///< as in "cannot read PATH: reason"; UTF-8
  friend bool operator==(const DamagedImage&, const DamagedImage&) = default;
};

/// The images of a set that are samples, and those that decoding has ruled out. Files that cannot be read, or whose
/// header is damaged, are in neither: they are found without decoding.
struct ImageSelection {
  uint32_t checksum = 0;  ///< CRC-32C of the names and bytes of the images that are samples, in their order
  std::vector<DamagedImage> damaged;
  friend bool operator==(const ImageSelection&, const ImageSelection&) = default;
};

}  // namespace ditharos::data
