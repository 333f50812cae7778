#include <ditharos/data/datasets/packed/write_packed.h>

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <vector>

#include <ditharos/data/datasets/packed/folder_lock.h>
#include <ditharos/data/datasets/packed/packed_shard.h>
#include <ditharos/tensor/checked.h>
#include <ditharos/tensor/io/crc32c.h>
#include <ditharos/tensor/parallel.h>

namespace ditharos::data {
namespace {

namespace fs = std::filesystem;

/// What a shard was made of, as the text that it is compared by.
std::string key_of(const PackedIndex& index, int64_t first, int64_t count, int64_t size) {
  uint32_t classes = 0;
  for (const std::string& name : index.class_names) classes = crc32c(name.c_str(), name.size() + 1, classes);
  return "samples " + std::to_string(first) + ".." + std::to_string(first + count - 1) + " of " + std::to_string(size) +
         ", " + name_of(index.dtype) + " " + to_text(index.sample_shape()) + ", source " +
         std::to_string(index.source_checksum) + ", classes " + std::to_string(classes);
}

/// Samples of a shard: as many as fit, and so many that there are not too many shards.
int64_t samples_per_shard(const PackedIndex& index, int64_t size, int64_t shard_bytes) {
  const int64_t bytes = checked_product("write_packed", {numel(index.sample_shape()), int64_t(size_of(index.dtype))});
  const auto most_shards = static_cast<int64_t>(max_packed_shards);
  return std::min(size, std::max({int64_t{1}, shard_bytes / bytes, (size + most_shards - 1) / most_shards}));
}

/// The samples [first, first + count) of a source, read into the tensor and the records of a shard.
class ShardSamples {
 public:
  ShardSamples(const DataSource& source, const PackedIndex& index, int64_t first, int64_t count)
      : source_(source), index_(index), first_(first), has_labels_(source.num_classes() > 0) {
    const Shape one = index.sample_shape();
    samples = Tensor({count, one[0], one[1], one[2], one[3]}, index.dtype);
    bytes_ = static_cast<size_t>(numel(one)) * size_of(index.dtype);
    elements_ = visit_dtype(
        index.dtype, [&](auto zero) { return reinterpret_cast<uint8_t*>(samples.mutable_data<decltype(zero)>()); });
    records.checksums.resize(static_cast<size_t>(count));
    if (has_labels_) records.labels.resize(static_cast<size_t>(count));
  }

  void read(int64_t begin, int64_t end) {
    parallel_tasks(end - begin, [&](int64_t task) { read_sample(begin + task); });
    for (int64_t k = begin; k < end; ++k) {
      const int64_t i = first_ + k;
      if (has_labels_) records.labels[static_cast<size_t>(k)] = source_.label(i);
      records.captions += source_.caption(i);
      records.caption_ends.push_back(static_cast<int64_t>(records.captions.size()));
    }
  }

  Tensor samples;  // [count, F, C, H, W]
  ShardRecords records;

 private:
  void read_sample(int64_t k) {
    const Tensor sample = source_.sample(first_ + k, index_.shape);
    check<ShapeError>(
        sample.dtype() == index_.dtype && sample.shape() == index_.sample_shape() && sample.is_contiguous(),
        "[write_packed] sample ", first_ + k, " was wanted contiguous as ", index_.dtype, " ", index_.sample_shape(),
        ", but came as ", sample.dtype(), " ", sample.shape());
    visit_dtype(index_.dtype, [&](auto zero) {
      std::memcpy(elements_ + static_cast<size_t>(k) * bytes_, sample.data<decltype(zero)>(), bytes_);
    });
    records.checksums[static_cast<size_t>(k)] = checksum_of_sample(sample);
  }

  const DataSource& source_;
  const PackedIndex& index_;
  int64_t first_;
  bool has_labels_;
  size_t bytes_ = 0;
  uint8_t* elements_ = nullptr;
};

/// Refuses a folder on a disk without room for `bytes` more.
void check_space(const std::string& folder, uint64_t bytes) {
  std::error_code unknown;
  const fs::space_info space = fs::space(folder, unknown);
  check<IoError>(unknown || space.available >= bytes, "cannot pack samples into ", folder, ": they take ", bytes,
                 " bytes, and its disk has ", space.available, " left");
}

/// Bytes of the files in the place of shards that are to be written anew.
uint64_t bytes_of_replaced(const std::string& folder, const PackedIndex& index) {
  uint64_t bytes = 0;
  for (size_t k = 0; k < index.shards.size(); ++k) {
    std::error_code missing;
    const uint64_t size = index.shards[k].samples > 0 ? 0 : fs::file_size(packed_shard_path(folder, k), missing);
    if (!missing) bytes += size;
  }
  return bytes;
}

/// Bytes of the shards in a folder, which packing keeps or replaces.
uint64_t bytes_of_shards(const std::string& folder) {
  uint64_t bytes = 0;
  for (size_t k = 0; k < max_packed_shards; ++k) {
    std::error_code missing;
    const uint64_t size = fs::file_size(packed_shard_path(folder, k), missing);
    if (missing) break;
    bytes += size;
  }
  return bytes;
}

void remove_file(const std::string& path) {
  std::error_code error;
  fs::remove(path, error);
  check<IoError>(!error, "cannot remove ", path, ": ", error.message());
}
/// Removes a symbolic link, which a writer would follow out of the folder.
void remove_link(const std::string& path) {
  std::error_code missing;
  if (fs::is_symlink(fs::symlink_status(path, missing))) remove_file(path);
}

/// Waits until nobody else reads or writes the folder.
void lock_to_write(const FolderLock& lock, const PackOptions& options) {
  if (lock.try_write()) return;
  if (options.waits) options.waits();
  lock.wait_to_write();
}

void make_folder(const std::string& folder) {
  std::error_code error;
  fs::create_directories(folder, error);
  check<IoError>(!error, "cannot make the folder ", folder, ": ", error.message());
}

/// What does not depend on the folder.
void check_pack(const DataSource& source, const SampleShape& shape, const PackOptions& options) {
  check<ConfigError>(source.size() > 0, "[write_packed] the source has no samples");
  check<ConfigError>(shape.has_pixels(), "[write_packed] every size of a sample must be at least 1, got ", shape);
  check<ConfigError>(options.shard_bytes >= 1, "[write_packed] shard_bytes must be at least 1, got ",
                     options.shard_bytes);
}

/// write_packed to a folder that the caller has locked.
void write_locked(const DataSource& source, const SampleShape& shape, const std::string& folder,
                  const PackOptions& options) {
  const int64_t size = source.size();
  PackedIndex index = packed_index_of(source, shape);
  const int64_t most = samples_per_shard(index, size, options.shard_bytes);
  const int64_t count = (size + most - 1) / most;
  const auto first_of = [&](int64_t k) { return std::min(size, k * most); };
  int64_t done = 0, missing = 0;
  const auto report = [&](int64_t samples) {
    done += samples;
    if (options.progress) options.progress(done, size);
  };
  report(0);
  for (int64_t k = 0; k < count; ++k) {
    const int64_t first = first_of(k), samples = first_of(k + 1) - first;
    const std::string key = key_of(index, first, samples, size);
    index.shards.push_back(whole_shard(packed_shard_path(folder, size_t(k)), key, samples));
    if (index.shards.back().samples == 0) missing += samples;
    else report(samples);
  }
  if (missing > 0) {
    const uint64_t sample_bytes = uint64_t(numel(index.sample_shape())) * size_of(index.dtype);
    const uint64_t bytes = uint64_t(missing) * sample_bytes, replaced = bytes_of_replaced(folder, index);
    // The last shard that is replaced is still there while the new one is written.
    check_space(folder, std::min(bytes, bytes - std::min(bytes, replaced) + uint64_t(most) * sample_bytes));
    remove_file(packed_index_path(folder));  // until all shards are there again
  }
  for (int64_t k = 0; k < count; ++k) {
    if (index.shards[size_t(k)].samples > 0) continue;
    constexpr int64_t step = 256;  // samples between two reports
    const int64_t first = first_of(k), samples = first_of(k + 1) - first;
    const std::string path = packed_shard_path(folder, size_t(k));
    ShardSamples shard(source, index, first, samples);
    for (int64_t begin = 0; begin < samples; begin += step) {
      const int64_t end = std::min(samples, begin + step);
      shard.read(begin, end);
      report(end - begin);
    }
    remove_link(path);
    index.shards[size_t(k)] = write_shard(path, key_of(index, first, samples, size), shard.samples, shard.records);
  }
  remove_link(packed_index_path(folder));
  write_packed_index(folder, index);
  // Of a larger set that was here before.
  std::error_code error;
  for (auto k = size_t(count); k < max_packed_shards && fs::remove(packed_shard_path(folder, k), error); ++k) continue;
}

/// find_packed in a folder that the caller has locked.
std::shared_ptr<PackedDataset> find_locked(const DataSource& source, const SampleShape& shape,
                                           const std::string& folder, std::string& fault) {
  fault.clear();
  if (!is_packed(folder)) return nullptr;
  try {
    auto dataset = std::make_shared<PackedDataset>(folder);
    const std::string difference = dataset->difference_from(source, shape);
    if (difference.empty()) {
      dataset->check_samples();
      return dataset;
    }
    fault = "the packed samples in " + folder + " are of other data: " + difference;
  } catch (const IoError& e) {
    fault = std::string("packed samples are damaged: ") + e.what();
  }
  return nullptr;
}

/// The same, and where the samples are there but the image selection is another one, writes the index.
std::shared_ptr<const PackedDataset> find_updated(const DataSource& source, const SampleShape& shape,
                                                  const std::string& folder, std::string& note) {
  const std::shared_ptr<PackedDataset> found = find_locked(source, shape, folder, note);
  if (!found) return nullptr;
  try {
    found->keep_selection(packed_index_of(source, shape).images);
  } catch (const IoError& e) {
    note = std::string(
               "the packed samples do not say which images are damaged, so the next start decodes all "
               "images again: ") +
           e.what();
  }
  return found;
}

/// What was just written. On a file system without locks another process may have written there meanwhile.
std::shared_ptr<const PackedDataset> open_written(const DataSource& source, const SampleShape& shape,
                                                  const std::string& folder) {
  const std::string before = "the packed samples in " + folder + " are not those that were just written there: ",
                    after = "; if another process packs other samples there, give it a folder of its own";
  std::shared_ptr<const PackedDataset> written;
  try {
    written = std::make_shared<const PackedDataset>(folder);
  } catch (const IoError& e) {
    fail<IoError>(before, e.what(), after);
  }
  const std::string difference = written->difference_from(source, shape);
  check<IoError>(difference.empty(), before, difference, after);
  return written;
}

}  // namespace

void write_packed(const DataSource& source, const SampleShape& shape, const std::string& folder,
                  const PackOptions& options) {
  check_pack(source, shape, options);
  make_folder(folder);
  const FolderLock lock(folder);
  lock_to_write(lock, options);
  write_locked(source, shape, folder, options);
}

int64_t packed_bytes(const DataSource& source, const SampleShape& shape) {
  return checked_product("packed_bytes", {source.size(), shape.frames, source.channels(), shape.height, shape.width,
                                          int64_t(size_of(source.dtype()))});
}

uint64_t bytes_to_pack(const DataSource& source, const SampleShape& shape, const std::string& folder) {
  try {
    if (is_packed(folder)) {
      const PackedIndex there = read_packed_index(folder);
      if (packed_difference(there, there.size(), packed_index_of(source, shape), source.size()).empty()) return 0;
    }
  } catch (const IoError&) {
    // A damaged index is written anew.
  }
  const auto bytes = uint64_t(packed_bytes(source, shape));
  return bytes - std::min(bytes, bytes_of_shards(folder));
}

std::shared_ptr<const PackedDataset> find_packed(const DataSource& source, const SampleShape& shape,
                                                 const std::string& folder, std::string& fault) {
  const FolderLock lock(folder);
  if (lock.try_read()) return find_locked(source, shape, folder, fault);
  fault = "another process is packing samples into " + folder;
  return nullptr;
}

std::shared_ptr<const PackedDataset> packed(const DataSource& source, const SampleShape& shape,
                                            const std::string& folder, const PackOptions& options, std::string& note) {
  {
    const FolderLock lock(folder);
    if (lock.try_read())
      if (auto found = find_updated(source, shape, folder, note)) return found;
  }
  check_pack(source, shape, options);
  const auto write_or_explain = [&](const auto& write) {
    try {
      write();
    } catch (const IoError& e) {
      check<IoError>(note.empty(), note, "; they could not be written anew: ", e.what());
      throw;
    }
  };
  write_or_explain([&] { make_folder(folder); });
  const FolderLock lock(folder);
  lock_to_write(lock, options);
  if (auto found = find_updated(source, shape, folder, note)) return found;  // another process has packed the same
  write_or_explain([&] { write_locked(source, shape, folder, options); });
  if (!note.empty()) note += "; they are written anew";
  return open_written(source, shape, folder);
}

}  // namespace ditharos::data
