#include <ditharos/data/datasets/webdataset/web_dataset.h>

#include <utility>

#include <ditharos/data/datasets/names.h>
#include <ditharos/data/datasets/webdataset/sample_labels.h>
#include <ditharos/data/datasets/webdataset/shard_list.h>
#include <ditharos/data/datasets/webdataset/shard_samples.h>
#include <ditharos/tensor/io/file.h>
#include <ditharos/tensor/io/quoted_text.h>

namespace ditharos::data {
namespace {

constexpr size_t test_every = 10;

}  // namespace

bool is_web_dataset(const std::string& path) { return is_shard_path(path); }

WebDataset::WebDataset(const std::string& path, Split split, const ImageFilesOptions& options)
    : DecodedImages("web_dataset", "images", options) {
  check<ConfigError>(options.max_pixels >= 1, "[web_dataset] max_pixels must be at least 1, got ", options.max_pixels);
  ShardList shards = list_shards(path, split);
  paths_ = std::move(shards.paths);
  ShardSamples found = read_shard_samples(paths_);
  const SampleLabels labels = number_labels(found.samples, paths_, read_class_names(shards.folder));
  class_names_ = labels.class_names;

  std::vector<std::string> faults;
  size_t held_out = 0;
  for (size_t i = 0; i < found.samples.size(); ++i) {
    ShardSample& sample = found.samples[i];
    const Split part = (i + 1) % test_every == 0 ? Split::test : Split::train;
    held_out += part == Split::test;
    if (!shards.is_split && part != split) continue;
    faults.push_back(std::move(sample.fault));
    has_captions_ = has_captions_ || sample.caption;
    entries_.push_back({.shard = sample.shard, .offset = sample.offset, .size = sample.size,
                        .image = std::move(sample.image), .label = labels.labels.empty() ? -1 : labels.labels[i],
                        .caption = std::move(sample.caption).value_or("")});
  }
  check<IoError>(!entries_.empty(), "cannot use ", path, ": no sample is left for the ", split,
                 " split (without folders train and test, every ", test_every, "th sample is a test sample)");
  scan(faults);
  check<IoError>(!entries_.empty(), "cannot use ", path, ": no sample of the ", split, " split can be used, the first ",
                 "one: ", skipped_.empty() ? "" : skipped_[0]);
  settle_shape();
  for (const Entry& entry : entries_) {
    checksum_ = add_to_checksum(entry.label, add_to_checksum(entry.crc, checksum_));
    checksum_ = add_to_checksum(entry.caption, checksum_);
  }
  checksum_ = add_settings(checksum_);
  load();
  if (!found.unread.empty())
    notes_.push_back(found.unread.text() + " in " + path + (found.unread.is_one() ? " is not read" : " are not read"));
  if (!shards.is_split && held_out > 0)
    notes_.push_back(std::to_string(held_out) + " of the " + std::to_string(found.samples.size()) + " samples in " +
                     path + ", every " + std::to_string(test_every) + "th, are held out for testing");
}

void WebDataset::scan(const std::vector<std::string>& faults) {
  std::vector<char> colors(entries_.size());
  const std::vector<std::string> errors = errors_of_each(size(), [&](int64_t i) {
    const auto k = static_cast<size_t>(i);
    check<IoError>(faults[k].empty(), faults[k]);
    const auto [image, color] = inspect(read(i), title(i));
    entries_[k].crc = image.checksum;
    entries_[k].height = image.height;
    entries_[k].width = image.width;
    colors[k] = color;
  });
  entries_ = usable(std::move(entries_), errors);
  settle_channels(colors);
}

const WebDataset::Entry& WebDataset::entry(int64_t i) const {
  check<Error>(i >= 0 && i < size(), "[web_dataset] there is no sample ", i, ", only 0..", size() - 1);
  return entries_[static_cast<size_t>(i)];
}

DecodedImages::Stored WebDataset::stored(int64_t i) const {
  const Entry& from = entry(i);
  return {from.height, from.width, from.crc};
}

std::string WebDataset::title(int64_t i) const {
  const Entry& of = entry(i);
  return "the member " + quote(of.image) + " of " + paths_[of.shard];
}

std::string WebDataset::read(int64_t i) const {
  const Entry& from = entry(i);
  check<IoError>(from.size <= most_image_bytes(options_.max_pixels), "cannot read ", title(i), ": it has ", from.size,
                 " bytes, more than an image of ", options_.max_pixels, " pixels; raise max_pixels");
  std::string bytes(size_t(from.size), '\0');
  if (!bytes.empty()) InputFile(paths_[from.shard]).read(from.offset, bytes.data(), bytes.size());
  return bytes;
}

int64_t WebDataset::label(int64_t i) const { return class_names_.empty() ? DataSource::label(i) : entry(i).label; }

std::string WebDataset::caption(int64_t i) const {
  return has_captions_ ? entry(i).caption : DataSource::caption(i);
}

}  // namespace ditharos::data
