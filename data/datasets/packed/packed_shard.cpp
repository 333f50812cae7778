#include <ditharos/data/datasets/packed/packed_shard.h>

#include <algorithm>
#include <cstring>
#include <filesystem>

#include <ditharos/data/datasets/folder_bounds.h>
#include <ditharos/tensor/io/crc32c.h>
#include <ditharos/tensor/io/safetensors.h>

namespace ditharos::data {
namespace {

constexpr const char* key_name = "ditharos.packed";

Tensor as_tensor(const std::vector<int64_t>& values) {
  Tensor x({static_cast<int64_t>(values.size())}, DType::i64);
  std::copy(values.begin(), values.end(), x.mutable_data<int64_t>());
  return x;
}
uint32_t add(uint32_t crc, const std::vector<int64_t>& values) {
  return crc32c(values.data(), values.size() * sizeof(int64_t), crc);
}

/// The elements of a tensor of the file; refuses another dtype or number of axes.
class RecordReader {
 public:
  explicit RecordReader(const InputFile& file) : file_(file), layout_(safetensors::read_layout(file)) {}

  const safetensors::Location& find(const char* name, DType dtype) const {
    const auto found = layout_.tensors.find(name);
    check<IoError>(found != layout_.tensors.end(), file_.path(), " is no shard of packed samples: it has no tensor \"",
                   name, "\"");
    check<IoError>(found->second.dtype == dtype, file_.path(), ": \"", name, "\" must be ", dtype, ", and is ",
                   found->second.dtype);
    return found->second;
  }
  std::vector<int64_t> numbers(const char* name, int64_t count) const {
    const safetensors::Location& location = find(name, DType::i64);
    check<IoError>(location.shape == Shape{count}, file_.path(), ": \"", name, "\" must be ", Shape{count}, ", and is ",
                   location.shape);
    std::vector<int64_t> values(static_cast<size_t>(count));
    file_.read(location.offset, values.data(), location.bytes);
    return values;
  }
  std::string bytes(const char* name) const {
    const safetensors::Location& location = find(name, DType::u8);
    std::string text(location.bytes, '\0');
    file_.read(location.offset, text.data(), location.bytes);
    return text;
  }
  std::string key() const {
    const auto found = layout_.metadata.find(key_name);
    return found == layout_.metadata.end() ? "" : found->second;
  }

 private:
  const InputFile& file_;
  safetensors::Layout layout_;
};

ShardRecords read_records(const RecordReader& reader, int64_t samples, bool has_labels) {
  ShardRecords records;
  records.checksums = reader.numbers("checksums", samples);
  if (has_labels) records.labels = reader.numbers("labels", samples);
  records.captions = reader.bytes("captions");
  records.caption_ends = reader.numbers("caption_ends", samples);
  return records;
}

/// The reason why the records are impossible, or "".
std::string fault_of(const ShardRecords& records, int64_t classes) {
  for (const int64_t label : records.labels)
    if (label < 0 || label >= classes)
      return "a label is " + std::to_string(label) + ", and there are " + std::to_string(classes) + " classes";
  int64_t begin = 0;
  for (const int64_t end : records.caption_ends) {
    if (end < begin) return "a caption ends before it begins";
    begin = end;
  }
  return begin == static_cast<int64_t>(records.captions.size()) ? "" : "the captions do not end with the last one";
}

}  // namespace

uint32_t checksum_of(const ShardRecords& records) {
  const uint32_t crc = add(add(add(0, records.checksums), records.labels), records.caption_ends);
  return crc32c(records.captions.data(), records.captions.size(), crc);
}

uint32_t checksum_of_sample(const Tensor& sample) {
  return visit_dtype(sample.dtype(), [&](auto zero) {
    using T = decltype(zero);
    return crc32c(sample.data<T>(), static_cast<size_t>(sample.numel()) * sizeof(T));
  });
}

PackedShard write_shard(const std::string& path, const std::string& key, const Tensor& samples,
                        const ShardRecords& records) {
  Tensor captions({static_cast<int64_t>(records.captions.size())}, DType::u8);
  if (!records.captions.empty())
    std::memcpy(captions.mutable_data<uint8_t>(), records.captions.data(), records.captions.size());
  std::map<std::string, Tensor> tensors = {{"samples", samples},
                                           {"checksums", as_tensor(records.checksums)},
                                           {"captions", captions},
                                           {"caption_ends", as_tensor(records.caption_ends)}};
  if (!records.labels.empty()) tensors["labels"] = as_tensor(records.labels);
  safetensors::save(path, tensors, {{key_name, key}});
  return {samples.size(0), InputFile(path).size(), checksum_of(records)};
}

PackedShard whole_shard(const std::string& path, const std::string& key, int64_t samples) {
  std::error_code missing;
  if (!std::filesystem::is_regular_file(std::filesystem::symlink_status(path, missing))) return {};
  try {
    const InputFile file(path);
    const RecordReader reader(file);
    if (reader.key() != key) return {};
    const safetensors::Contents contents = safetensors::load(path);  // compares the checksum of the whole
    const Tensor& stored = contents.tensors.at("samples");
    if (stored.rank() != 5 || stored.size(0) != samples) return {};
    const ShardRecords records = read_records(reader, samples, contents.tensors.contains("labels"));
    for (int64_t i = 0; i < samples; ++i)
      if (checksum_of_sample(stored.select(0, i)) != records.checksums[static_cast<size_t>(i)]) return {};
    return {samples, file.size(), checksum_of(records)};
  } catch (const IoError&) {
    return {};  // it is written anew
  } catch (const std::out_of_range&) {
    return {};
  }
}

Shard open_shard(const std::string& folder, const PackedIndex& index, size_t k) {
  const PackedShard& expected = index.shards[k];
  const std::string path = packed_shard_path(folder, k);
  check_inside(folder, path);
  Shard shard;
  shard.file = std::make_unique<InputFile>(path);
  check<IoError>(shard.file->size() == expected.bytes, path, " has ", shard.file->size(), " bytes, and the index says ",
                 expected.bytes);
  const RecordReader reader(*shard.file);
  const Shape sample = index.sample_shape(), wanted{expected.samples, sample[0], sample[1], sample[2], sample[3]};
  const safetensors::Location& samples = reader.find("samples", index.dtype);
  check<IoError>(samples.shape == wanted, path, ": \"samples\" must be ", wanted, ", and is ", samples.shape);
  shard.samples_offset = samples.offset;
  shard.samples = expected.samples;
  shard.records = read_records(reader, expected.samples, !index.class_names.empty());
  check<IoError>(checksum_of(shard.records) == expected.checksum, path,
                 " is damaged: the checksum of its labels and captions is not the one in the index");
  const std::string fault = fault_of(shard.records, static_cast<int64_t>(index.class_names.size()));
  check<IoError>(fault.empty(), path, " is no valid shard of packed samples: ", fault);
  return shard;
}

}  // namespace ditharos::data
