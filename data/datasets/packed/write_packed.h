#pragma once
// Packing the samples of a source: each is decoded and resized once, on all threads, and written to a folder.
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include <ditharos/data/datasets/packed/packed_dataset.h>

namespace ditharos::data {

struct PackOptions {
  /// Bytes of the samples of one file, which are in memory while it is written. A set that would take more than 512
  /// files gets larger ones.
  int64_t shard_bytes = int64_t{64} << 20;
  /// Called before the first sample, with 0, and then now and then, on the calling thread, with the number of samples
  /// that are read or were found written.
  std::function<void(int64_t done, int64_t total)> progress = nullptr;
  /// Called before the wait for another process that is packing samples into the same folder or comparing those there.
  std::function<void()> waits = nullptr;
};

/// Writes the samples of `source` in this shape to `folder`, which is made if it is not there: shards (safetensors
/// files of samples, labels and captions, with checksums) and, last, index.json. A writer that is killed leaves no
/// index. If it is run again, it keeps the shards that are whole and of the same source, after comparing their
/// checksums, and writes the others; so it also repairs a damaged folder. Packed samples of another source in `folder`
/// are replaced. One process or thread at a time writes to a folder, and waits for those that read it in find_packed or
/// packed; datasets that are open stay as they are.
///
/// IoError where the folder cannot be written or has too little space, or a sample cannot be read. ConfigError for an
/// impossible option, for a source without samples, and for class names that are not UTF-8.
void write_packed(const DataSource& source, const SampleShape& shape, const std::string& folder,
                  const PackOptions& options = {});

/// Bytes of the samples of `source` in this shape, without labels and captions. ShapeError where they are too many.
[[nodiscard]] int64_t packed_bytes(const DataSource& source, const SampleShape& shape);
/// About how many bytes more the disk needs to pack them into `folder`: 0 where an index there says that it holds them,
/// else packed_bytes without those of the shards there, which are kept or replaced. No sample is read.
[[nodiscard]] uint64_t bytes_to_pack(const DataSource& source, const SampleShape& shape, const std::string& folder);

/// The packed samples of `source` in this shape that are in `folder`. Null where there are none, or they are damaged or
/// of another source (DataSource::checksum, class names); `fault` then says why, as a sentence, or "" for a folder
/// without samples. Writes nothing, and does not wait for a process that is writing there: `fault` names it.
[[nodiscard]] std::shared_ptr<const PackedDataset> find_packed(const DataSource& source, const SampleShape& shape,
                                                               const std::string& folder, std::string& fault);

/// find_packed, and where it finds none, write_packed. `note` then says why, as a sentence, or "" for a folder without
/// samples. Where the samples are there but the source's image_selection() is another one, the index alone is written;
/// `note` says if it cannot be. Two processes that pack into one folder at the same time do so one after the other:
/// the second one finds the samples of the first, or replaces them by its own.
[[nodiscard]] std::shared_ptr<const PackedDataset> packed(const DataSource& source, const SampleShape& shape,
                                                          const std::string& folder, const PackOptions& options,
                                                          std::string& note);

}  // namespace ditharos::data
