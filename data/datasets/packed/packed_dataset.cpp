#include <ditharos/data/datasets/packed/packed_dataset.h>

#include <algorithm>
#include <filesystem>

#include <ditharos/data/datasets/packed/packed_shard.h>
#include <ditharos/tensor/parallel.h>

namespace ditharos::data {

struct PackedDataset::Contents {
  explicit Contents(const std::string& folder_) : folder(folder_), index(read_packed_index(folder)) {
    for (size_t k = 0; k < index.shards.size(); ++k) {
      ends.push_back(index.shards[k].samples + (k > 0 ? ends.back() : 0));
      shards.push_back(open_shard(folder, index, k));
    }
  }

  /// The shard of sample i, whose place in it becomes `place`.
  const Shard& find(int64_t i, int64_t& place) const {
    check<Error>(i >= 0 && i < ends.back(), "[PackedDataset] sample ", i, " of ", ends.back());
    const auto k = static_cast<size_t>(std::upper_bound(ends.begin(), ends.end(), i) - ends.begin());
    place = i - (k > 0 ? ends[k - 1] : 0);
    return shards[k];
  }

  std::string folder;
  PackedIndex index;
  std::vector<int64_t> ends;  // of each shard, in samples of all shards
  std::vector<Shard> shards;
};

PackedDataset::PackedDataset(const std::string& folder) : contents_(std::make_unique<Contents>(folder)) {}
PackedDataset::~PackedDataset() = default;

int64_t PackedDataset::size() const { return contents_->ends.back(); }
uint32_t PackedDataset::checksum() const { return contents_->index.source_checksum; }
DType PackedDataset::dtype() const { return contents_->index.dtype; }
int64_t PackedDataset::channels() const { return contents_->index.channels; }
const std::vector<std::string>& PackedDataset::class_names() const { return contents_->index.class_names; }
std::optional<SampleShape> PackedDataset::native_shape() const { return contents_->index.shape; }
std::optional<ImageSelection> PackedDataset::image_selection() const { return contents_->index.images; }

void PackedDataset::keep_selection(const std::optional<ImageSelection>& images) {
  if (contents_->index.images == images) return;
  PackedIndex index = contents_->index;
  index.images = images;
  write_packed_index(contents_->folder, index);
  contents_->index = std::move(index);
}

Tensor PackedDataset::sample(int64_t i, const SampleShape& shape) const {
  const PackedIndex& index = contents_->index;
  check<ShapeError>(shape == index.shape, "[PackedDataset] the samples in ", contents_->folder, " are ", index.shape,
                    " and cannot be read as ", shape, "; pack them in that shape");
  int64_t place = 0;
  const Shard& shard = contents_->find(i, place);
  Tensor sample(index.sample_shape(), index.dtype);
  const size_t bytes = static_cast<size_t>(sample.numel()) * size_of(index.dtype);
  visit_dtype(index.dtype, [&](auto zero) {
    shard.file->read(shard.samples_offset + static_cast<uint64_t>(place) * bytes, sample.mutable_data<decltype(zero)>(),
                     bytes);
  });
  check<IoError>(checksum_of_sample(sample) == shard.records.checksums[static_cast<size_t>(place)], shard.file->path(),
                 " is damaged: the checksum of sample ", place,
                 " does not fit its elements; the next start that packs these data writes this shard anew");
  return sample;
}

int64_t PackedDataset::label(int64_t i) const {
  int64_t place = 0;
  const Shard& shard = contents_->find(i, place);
  check<Error>(!shard.records.labels.empty(), "[PackedDataset] sample ", i, " has no label: there are no classes");
  return shard.records.labels[static_cast<size_t>(place)];
}

std::string PackedDataset::caption(int64_t i) const {
  int64_t place = 0;
  const ShardRecords& records = contents_->find(i, place).records;
  const int64_t begin = place > 0 ? records.caption_ends[static_cast<size_t>(place - 1)] : 0;
  return records.captions.substr(static_cast<size_t>(begin),
                                 static_cast<size_t>(records.caption_ends[static_cast<size_t>(place)] - begin));
}

void PackedDataset::check_samples() const {
  parallel_tasks(size(), [&](int64_t i) { static_cast<void>(sample(i, contents_->index.shape)); });
}

std::string PackedDataset::difference_from(const DataSource& source, const SampleShape& shape) const {
  return packed_difference(contents_->index, size(), packed_index_of(source, shape), source.size());
}

bool is_packed(const std::string& folder) {
  std::error_code missing;
  return std::filesystem::is_regular_file(packed_index_path(folder), missing);
}

std::vector<ImageSelection> packed_selections(const std::string& folder, const std::string& prefix) {
  std::vector<ImageSelection> selections;
  std::error_code none;
  for (std::filesystem::directory_iterator it(folder, none), end; !none && it != end; it.increment(none)) {
    if (!it->path().filename().string().starts_with(prefix) || !is_packed(it->path().string())) continue;
    try {
      std::optional<ImageSelection> images = read_packed_index(it->path().string()).images;
      if (images) selections.push_back(std::move(*images));
    } catch (const IoError&) {
      continue;
    }
  }
  return selections;
}

}  // namespace ditharos::data
