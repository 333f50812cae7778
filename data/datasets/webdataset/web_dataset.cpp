#include <ditharos/data/datasets/webdataset/web_dataset.h>

#include <filesystem>
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
    entries_.push_back({.shard = sample.shard,
                        .offset = sample.offset,
                        .size = sample.size,
                        .image = std::move(sample.image),
                        .label = labels.labels.empty() ? -1 : labels.labels[i],
                        .caption = std::move(sample.caption).value_or("")});
  }
  check<IoError>(!entries_.empty(), "cannot use ", path, ": no sample is left for the ", split,
                 " split (without folders train and test, every ", test_every, "th sample is a test sample)");
  open("cannot use " + path + ": no sample of the " + name_of(split) + " split can be used, the first one: ",
       [&](int64_t i) {
         const std::string& fault = faults[static_cast<size_t>(i)];
         check<IoError>(fault.empty(), fault);
       });
  if (!found.unread.empty())
    notes_.push_back(found.unread.text() + " in " + path + (found.unread.is_one() ? " is not read" : " are not read"));
  if (!shards.is_split && held_out > 0)
    notes_.push_back(std::to_string(held_out) + " of the " + std::to_string(found.samples.size()) + " samples in " +
                     path + ", every " + std::to_string(test_every) + "th, are held out for testing");
}

const WebDataset::Entry& WebDataset::entry(int64_t i) const {
  check<Error>(i >= 0 && i < size(), "[web_dataset] image ", i, " of a set of ", size());
  return entries_[static_cast<size_t>(i)];
}

std::string WebDataset::name(int64_t i) const {
  const Entry& of = entry(i);
  return std::filesystem::path(paths_[of.shard]).filename().string() + "/" + of.image;
}

uint32_t WebDataset::add_sample(int64_t i, uint32_t crc) const {
  const Entry& of = entry(i);
  return add_to_checksum(of.caption, add_to_checksum(of.label, add_to_checksum(encoded(i).checksum, crc)));
}

void WebDataset::keep_only(const std::vector<char>& keep) { entries_ = kept(std::move(entries_), keep); }

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

std::string WebDataset::caption(int64_t i) const { return has_captions_ ? entry(i).caption : DataSource::caption(i); }

}  // namespace ditharos::data
