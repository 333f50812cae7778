#pragma once
// Files of named tensors that other frameworks read too: the safetensors format (Hugging Face, version 0.3 and later).
//
//   8 bytes   length of the header, little-endian
//   header    JSON: {"name": {"dtype": "F32", "shape": [2, 3], "data_offsets": [0, 24]}, ..., "__metadata__": {...}}
//   data      the tensors' elements, row-major, little-endian, one after the other
#include <map>
#include <string>

#include <ditharos/tensor/io/file.h>
#include <ditharos/tensor/tensor.h>

namespace ditharos::safetensors {

struct Contents {
  std::map<std::string, Tensor> tensors;
  std::map<std::string, std::string> metadata;
};

/// The metadata's key for the checksum that save() writes: CRC-32C, in eight hexadecimal digits, of the other metadata
/// ("key\0value\0" in the order of the keys), of each tensor's name and shape ("name\0[2, 3]\0"), and of all elements.
inline constexpr const char* checksum_key = "ditharos.crc32c";

/// Writes the tensors (of any strides), the metadata and a checksum to `path`. The file is complete or unchanged. Names
/// and metadata are UTF-8. Throws ConfigError for what the format cannot hold, and IoError when the file cannot be
/// written.
void save(const std::string& path, const std::map<std::string, Tensor>& tensors,
          const std::map<std::string, std::string>& metadata = {});

/// Reads a file of this library or of another program. Nothing in it is trusted: IoError names the path and the fault,
/// and no memory is allocated for tensors before the header has been checked against the size of the file. Reads F32,
/// F64, BF16, F16, I64, I32, U8 and BOOL. If the metadata has a checksum, it must be right; it is not in
/// Contents::metadata.
[[nodiscard]] Contents load(const std::string& path, LoadMode mode = LoadMode::map);

/// Where the elements of a tensor are in a file.
struct Location {
  DType dtype = DType::f32;
  Shape shape;
  uint64_t offset = 0, bytes = 0;  ///< from the beginning of the file
};
struct Layout {
  std::map<std::string, Location> tensors;
  std::map<std::string, std::string> metadata;  ///< with checksum_key, if it is there
};

/// The header of a file, for reading parts of large tensors with InputFile::read. Every location lies inside of the
/// file. IoError as by load(), which reads the elements and so compares the checksum too.
[[nodiscard]] Layout read_layout(const InputFile& file);

}  // namespace ditharos::safetensors
