#include <ditharos/data/datasets/webdataset/web_dataset.h>

#include <algorithm>
#include <cstring>
#include <mutex>
#include <utility>

#include <ditharos/data/codecs/png.h>
#include <ditharos/data/datasets/names.h>
#include <ditharos/data/datasets/webdataset/sample_labels.h>
#include <ditharos/data/datasets/webdataset/shard_list.h>
#include <ditharos/data/datasets/webdataset/shard_samples.h>
#include <ditharos/tensor/io/crc32c.h>
#include <ditharos/tensor/io/file.h>
#include <ditharos/tensor/io/quoted_text.h>
#include <ditharos/tensor/parallel.h>

namespace ditharos::data {
namespace {

constexpr size_t test_every = 10;

void validate(const ImageFilesOptions& options) {
  check<ConfigError>(options.channels == 0 || options.channels == 1 || options.channels == 3,
                     "[web_dataset] channels must be 1, 3 or 0 for what the images have, got ", options.channels);
  const auto [low, high] = std::minmax(options.height, options.width);
  check<ConfigError>((low == 0 && high == 0) || (low > 0 && high <= max_png_side),
                     "[web_dataset] height and width must both be 1..", max_png_side, ", or both 0, got ",
                     options.height, " and ", options.width);
  check<ConfigError>(options.max_pixels >= 1, "[web_dataset] max_pixels must be at least 1, got ", options.max_pixels);
  check<ConfigError>(options.memory_bytes >= 0, "[web_dataset] memory_bytes must not be negative, got ",
                     options.memory_bytes);
}

/// More bytes than any image of so many pixels has, even stored without compression.
uint64_t most_bytes(int64_t max_pixels) {
  constexpr uint64_t bytes_per_pixel = 10, others = uint64_t{64} << 20;
  return bytes_per_pixel * static_cast<uint64_t>(std::min(max_pixels, int64_t{1} << 50)) + others;
}

ImageDecoding decoding(const ImageFilesOptions& options) { return {options.background, options.max_pixels}; }

template <class T>
uint32_t add(const T& value, uint32_t crc) {
  return crc32c(&value, sizeof value, crc);
}
uint32_t add(const std::string& text, uint32_t crc) { return crc32c(text.c_str(), text.size() + 1, crc); }

}  // namespace

bool is_web_dataset(const std::string& path) { return is_shard_path(path); }

WebDataset::WebDataset(const std::string& path, Split split, const ImageFilesOptions& options) : options_(options) {
  validate(options);
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
  load();
  if (!found.unread.empty())
    notes_.push_back(found.unread.text() + " in " + path + (found.unread.is_one() ? " is not read" : " are not read"));
  if (!shards.is_split && held_out > 0)
    notes_.push_back(std::to_string(held_out) + " of the " + std::to_string(found.samples.size()) + " samples in " +
                     path + ", every " + std::to_string(test_every) + "th, are held out for testing");
}

void WebDataset::scan(std::vector<std::string>& faults) {
  const bool skip = options_.on_damaged == OnDamaged::skip;
  std::vector<char> colors(entries_.size());
  std::mutex mutex;
  int64_t done = 0;
  parallel_tasks(size(), [&](int64_t i) {
    const auto k = static_cast<size_t>(i);
    Entry& entry = entries_[k];
    try {
      if (faults[k].empty()) {
        const std::string bytes = read(entry);
        const ImageInfo info = image_info(bytes, title(entry), decoding(options_));
        if (skip) static_cast<void>(decode_image(bytes, 3, title(entry), decoding(options_)));
        entry.crc = crc32c(bytes.data(), bytes.size());
        entry.height = info.height;
        entry.width = info.width;
        colors[k] = info.color;
      }
    } catch (const IoError& error) {
      faults[k] = error.what();
    }
    if (!options_.progress) return;
    const std::lock_guard lock(mutex);
    options_.progress(++done, size());
  });
  std::vector<Entry> usable;
  for (size_t k = 0; k < entries_.size(); ++k) {
    check<IoError>(skip || faults[k].empty(), faults[k]);
    if (faults[k].empty()) usable.push_back(std::move(entries_[k]));
    else skipped_.push_back(std::move(faults[k]));
  }
  entries_ = std::move(usable);
  const bool color = std::any_of(colors.begin(), colors.end(), [](char c) { return c != 0; });
  channels_ = options_.channels > 0 ? options_.channels : color ? 3 : 1;
}

void WebDataset::settle_shape() {
  const Entry& a = entries_.front();
  const auto other = std::find_if(entries_.begin(), entries_.end(), [&](const Entry& b) {
    return b.height != a.height || b.width != a.width;
  });
  if (options_.height > 0) {
    native_ = {1, options_.height, options_.width};
  } else if (other == entries_.end()) {
    native_ = {1, a.height, a.width};
  } else {
    check<IoError>(options_.mixed_sizes, "cannot use ", title(*other), ": it has ", other->width, " x ",
                   other->height, " pixels, but ", title(a), " has ", a.width, " x ", a.height,
                   "; give a size, as in --size 64, to crop and scale them all to");
  }
  checksum_ = 0;
  for (const Entry& entry : entries_) checksum_ = add(entry.caption, add(entry.label, add(entry.crc, checksum_)));
  checksum_ = add(native_ ? native_->width : 0, add(native_ ? native_->height : 0, add(channels_, checksum_)));
  checksum_ = add(options_.background, add(options_.resample, add(options_.fit, checksum_)));
}

void WebDataset::load() {
  if (!native_) return;
  const int64_t image_size = channels_ * native_->height * native_->width;
  if (image_size > options_.memory_bytes / size()) return;
  Tensor pixels({size(), channels_, native_->height, native_->width}, DType::u8);
  uint8_t* to = pixels.mutable_data<uint8_t>();
  std::vector<std::string> errors(entries_.size());
  parallel_tasks(size(), [&](int64_t i) {
    try {
      const Tensor image = decode(i);
      std::memcpy(to + i * image_size, image.data<uint8_t>(), static_cast<size_t>(image_size));
    } catch (const IoError& error) {
      errors[static_cast<size_t>(i)] = error.what();
    }
  });
  for (const std::string& error : errors) check<IoError>(error.empty(), error);
  pixels_ = pixels;
}

const WebDataset::Entry& WebDataset::entry(int64_t i) const {
  check<Error>(i >= 0 && i < size(), "[web_dataset] there is no sample ", i, ", only 0..", size() - 1);
  return entries_[static_cast<size_t>(i)];
}

std::string WebDataset::title(const Entry& entry) const {
  return "the member " + quote(entry.image) + " of " + paths_[entry.shard];
}

std::string WebDataset::read(const Entry& entry) const {
  check<IoError>(entry.size <= most_bytes(options_.max_pixels), "cannot read ", title(entry), ": it has ", entry.size,
                 " bytes, more than an image of ", options_.max_pixels, " pixels; raise max_pixels");
  std::string bytes(size_t(entry.size), '\0');
  if (!bytes.empty()) InputFile(paths_[entry.shard]).read(entry.offset, bytes.data(), bytes.size());
  return bytes;
}

Tensor WebDataset::resize(const Tensor& image, int64_t height, int64_t width) const {
  if (image.size(1) == height && image.size(2) == width) return image;
  return options_.fit == Fit::crop ? center_crop_resize(image, height, width, options_.resample)
                                   : stretch(image, height, width, options_.resample);
}

Tensor WebDataset::decode(int64_t i) const {
  if (pixels_.defined()) return pixels_.select(0, i);
  const Entry& from = entry(i);
  const std::string bytes = read(from);
  check<IoError>(crc32c(bytes.data(), bytes.size()) == from.crc, "cannot read ", title(from),
                 ": it has changed since the set was opened");
  const Tensor image = decode_image(bytes, channels_, title(from), decoding(options_));
  return native_ ? resize(image, native_->height, native_->width) : image;
}

int64_t WebDataset::label(int64_t i) const { return class_names_.empty() ? DataSource::label(i) : entry(i).label; }

std::string WebDataset::caption(int64_t i) const {
  return has_captions_ ? entry(i).caption : DataSource::caption(i);
}

Tensor WebDataset::sample(int64_t i, const SampleShape& shape) const {
  check<ShapeError>(shape.has_pixels(), "[web_dataset] every size of a sample must be at least 1, got ", shape);
  check<Error>(i >= 0 && i < size(), "[web_dataset] there is no sample ", i, ", only 0..", size() - 1);
  const Tensor image = resize(decode(i), shape.height, shape.width);
  if (shape.frames == 1) return image.reshape({1, channels_, shape.height, shape.width});
  Tensor frames({shape.frames, channels_, shape.height, shape.width}, DType::u8);
  uint8_t* to = frames.mutable_data<uint8_t>();
  for (int64_t f = 0; f < shape.frames; ++f) to = std::copy_n(image.data<uint8_t>(), image.numel(), to);
  return frames;
}

const uint8_t* WebDataset::stored_sample(int64_t i, const SampleShape& shape) const {
  check<Error>(i >= 0 && i < size(), "[web_dataset] there is no sample ", i, ", only 0..", size() - 1);
  if (!pixels_.defined() || shape != native_) return nullptr;
  return pixels_.data<uint8_t>() + i * channels_ * shape.height * shape.width;
}

}  // namespace ditharos::data
