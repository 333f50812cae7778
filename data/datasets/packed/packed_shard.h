#pragma once
// Internal to data/datasets/.
// A shard of packed samples, a safetensors file:
//
//   samples       u8, f32, f16 or bf16 [n, F, C, H, W]
//   checksums     i64 [n]       the CRC-32C of each sample's bytes
//   labels        i64 [n]       where there are classes
//   captions      u8 [bytes]    of all samples, one after the other
//   caption_ends  i64 [n]       the byte at which each ends
#include <memory>
#include <string>
#include <vector>

#include <ditharos/data/datasets/packed/packed_index.h>
#include <ditharos/tensor/io/file.h>

namespace ditharos::data {

/// What a shard has besides its samples.
struct ShardRecords {
  std::vector<int64_t> checksums, labels, caption_ends;
  std::string captions;
};

/// An open shard.
struct Shard {
  std::unique_ptr<InputFile> file;
  uint64_t samples_offset = 0;  ///< of the first sample, from the beginning of the file
  int64_t samples = 0;
  ShardRecords records;
};

/// The CRC-32C of the records: PackedShard::checksum.
[[nodiscard]] uint32_t checksum_of(const ShardRecords& records);
/// The CRC-32C of the elements of a contiguous sample.
[[nodiscard]] uint32_t checksum_of_sample(const Tensor& sample);

/// Writes samples [n, F, C, H, W] and their records; complete or not at all. `key` says what they were made of. Returns
/// the shard's line in the index.
[[nodiscard]] PackedShard write_shard(const std::string& path, const std::string& key, const Tensor& samples,
                                      const ShardRecords& records);
/// The line for the index of a shard that write_shard has written with this key and number of samples, after all of its
/// checksums were compared; without samples where there is none, or it is of another key, or damaged.
[[nodiscard]] PackedShard whole_shard(const std::string& path, const std::string& key, int64_t samples);

/// Opens shard k of a folder and reads its records. IoError with the path and the fault: it is missing, not of the
/// size or the contents that the index says, or a checksum other than those of the samples is wrong.
[[nodiscard]] Shard open_shard(const std::string& folder, const PackedIndex& index, size_t k);

}  // namespace ditharos::data
