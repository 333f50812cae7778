#pragma once
// Internal to data/datasets/.
// The index of a folder of packed samples: what its shards hold, and the source that they were made of.
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <ditharos/data/datasets/data_source.h>

namespace ditharos::data {

struct PackedShard {
  int64_t samples = 0;
  uint64_t bytes = 0;     ///< of the file
  uint32_t checksum = 0;  ///< of everything in it but the samples, which have checksums of their own
};

/// As JSON, where the last checksum is the CRC-32C of the same text without it and without spaces:
///
///   {"format": "ditharos packed samples", "version": 2, "source_checksum": 7, "dtype": "u8", "shape": [1, 3, 64, 64],
///    "class_names": ["cat"], "shards": [{"samples": 2, "bytes": 24848, "checksum": 8}],
///    "images": {"checksum": 5, "damaged": [{"name": "cat/7.png", "checksum": 6, "reason": "the file is cut off"}]},
///    "checksum": 9}
///
/// "images" is null where the source has no image_selection(), or one that takes more than max_selection_bytes. Indexes
/// of version 1 have none; they are read as if it were null.
struct PackedIndex {
  uint32_t source_checksum = 0;
  DType dtype = DType::u8;
  int64_t channels = 3;
  SampleShape shape;
  std::vector<std::string> class_names;
  std::vector<PackedShard> shards;
  std::optional<ImageSelection> images = std::nullopt;  ///< all of whose samples have been decoded

  int64_t size() const;  ///< samples of all shards
  Shape sample_shape() const { return {shape.frames, channels, shape.height, shape.width}; }
};

/// More shards are refused: a dataset keeps the file of each open.
inline constexpr size_t max_packed_shards = 512;
/// Bytes of an image selection as JSON, enough for some thousand damaged images. A larger one is not kept.
inline constexpr size_t max_selection_bytes = size_t{1} << 19;

[[nodiscard]] std::string packed_index_path(const std::string& folder);
/// Of shard k: "FOLDER/shard-00007.safetensors".
[[nodiscard]] std::string packed_shard_path(const std::string& folder, size_t k);

/// An index without shards for the samples of `source` in this shape. ConfigError for class names, and for names and
/// reasons of damaged images, that are not UTF-8.
[[nodiscard]] PackedIndex packed_index_of(const DataSource& source, const SampleShape& shape);
/// "" where the two, apart from their shards and images, describe the same samples, else the first difference: "it has
/// 10 samples, and the data have 12".
[[nodiscard]] std::string packed_difference(const PackedIndex& cache, int64_t cache_size, const PackedIndex& data,
                                            int64_t data_size);

/// Reads the index of a folder. IoError, with the path, when it is missing, damaged or impossible.
[[nodiscard]] PackedIndex read_packed_index(const std::string& folder);
/// Writes it, complete or not at all. ConfigError for class names that are too long in total.
void write_packed_index(const std::string& folder, const PackedIndex& index);

}  // namespace ditharos::data
