#pragma once
// Internal to tensor/io/.
// The JSON header of a safetensors file, read strictly: what the format does not allow is refused.
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include <ditharos/tensor/dtype.h>
#include <ditharos/tensor/shape.h>

namespace ditharos::safetensors {

/// Larger headers are refused, by the format's rule.
inline constexpr uint64_t max_header = 100'000'000;
/// More tensors, or entries of metadata, are refused: what is kept of one takes several times the bytes that it has in
/// the header. The largest published models have a few thousand.
inline constexpr size_t max_entries = 32768;
/// The key of the header's one entry that is no tensor.
inline constexpr const char* metadata_key = "__metadata__";

struct Entry {
  std::string name;
  DType dtype = DType::f32;
  Shape shape;
  uint64_t begin = 0, end = 0;  ///< bytes within the data
};

struct Header {
  std::vector<Entry> entries;  ///< in the order of their data
  std::map<std::string, std::string> metadata;
};

/// Throws IoError, without the path, for text that is not such a header, and unless the entries' data fill exactly
/// `data_size` bytes without holes or overlap and agree with their shapes. DTypeError for 8-bit floats, which the
/// format allows and this library does not read.
Header parse_header(std::string_view text, uint64_t data_size);

/// The JSON of `header`, padded with spaces to a multiple of 8 bytes.
std::string print_header(const Header& header);

}  // namespace ditharos::safetensors
