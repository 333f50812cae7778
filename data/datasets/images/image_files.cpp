#include <ditharos/data/datasets/images/image_files.h>

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <map>
#include <mutex>
#include <set>
#include <system_error>
#include <tuple>

#include <ditharos/data/codecs/png.h>
#include <ditharos/data/datasets/images/image_list.h>
#include <ditharos/data/datasets/images/image_tree.h>
#include <ditharos/tensor/io/crc32c.h>
#include <ditharos/tensor/parallel.h>

namespace ditharos::data {
namespace {

void validate(const ImageFilesOptions& options) {
  check<ConfigError>(options.channels == 0 || options.channels == 1 || options.channels == 3,
                     "[image_files] channels must be 1, 3 or 0 for what the files have, got ", options.channels);
  const auto [low, high] = std::minmax(options.height, options.width);
  check<ConfigError>((low == 0 && high == 0) || (low > 0 && high <= max_png_side),
                     "[image_files] height and width must both be 1..", max_png_side, ", or both 0, got ",
                     options.height, " and ", options.width);
  check<ConfigError>(options.memory_bytes >= 0, "[image_files] memory_bytes must not be negative, got ",
                     options.memory_bytes);
}

/// Runs work(i) for i in [0, n) in parallel and returns the message of each IoError; "" where there was none.
template <class F>
std::vector<std::string> errors_of_each(int64_t n, const std::function<void(int64_t, int64_t)>& progress,
                                        const F& work) {
  std::vector<std::string> errors(static_cast<size_t>(n));
  std::mutex mutex;
  int64_t done = 0;
  parallel_tasks(n, [&](int64_t i) {
    try {
      work(i);
    } catch (const IoError& error) {
      errors[static_cast<size_t>(i)] = error.what();
    }
    if (!progress) return;
    const std::lock_guard lock(mutex);
    progress(++done, n);
  });
  return errors;
}

ImageDecoding decoding(const ImageFilesOptions& options) { return {options.background, options.max_pixels}; }

template <class T>
uint32_t add(const T& value, uint32_t crc) {
  return crc32c(&value, sizeof value, crc);
}
uint32_t add(const std::string& text, uint32_t crc) { return crc32c(text.c_str(), text.size() + 1, crc); }

}  // namespace

bool is_image_folder(const std::string& directory) { return has_images(directory); }

std::string unread_files(const std::string& directory) { return read_image_tree(directory, directory).unread.text(); }

ImageFiles::ImageFiles(const std::string& directory, Split split, const ImageFilesOptions& options)
    : options_(options) {
  validate(options);
  ImageList list = list_images(directory, split);
  class_names_ = std::move(list.class_names);
  notes_ = std::move(list.notes);
  has_captions_ = list.has_captions;
  scan(directory, split, list);
  note_duplicates(list.root);
  settle_shape();
  load();
}

/// Reads the headers, and the checksums by which later changes are found.
void ImageFiles::scan(const std::string& directory, Split split, const ImageList& list) {
  const bool skip = options_.on_damaged == OnDamaged::skip;
  const auto n = static_cast<int64_t>(list.images.size());
  std::vector<ImageFile> files(static_cast<size_t>(n));
  std::vector<char> colors(static_cast<size_t>(n));
  const auto read = [&](int64_t i) {
    const ListedImage& listed = list.images[static_cast<size_t>(i)];
    std::error_code unknown;
    check<IoError>(listed.listed_in.empty() || std::filesystem::exists(listed.path, unknown), "cannot read ",
                   listed.path, ": there is no such file, and ", listed.listed_in, " names it");
    const std::string bytes = read_image_file(listed.path, options_.max_pixels);
    const ImageInfo info = image_info(bytes, listed.path, decoding(options_));
    if (skip) static_cast<void>(decode_image(bytes, 3, listed.path, decoding(options_)));
    colors[static_cast<size_t>(i)] = info.color;
    files[static_cast<size_t>(i)] = {.path = listed.path, .name = listed.name, .height = info.height,
                                     .width = info.width, .checksum = crc32c(bytes.data(), bytes.size()),
                                     .label = listed.label, .caption = listed.caption};
  };
  const std::vector<std::string> errors = errors_of_each(n, options_.progress, read);
  for (size_t i = 0; i < errors.size(); ++i) {
    check<IoError>(skip || errors[i].empty(), errors[i]);
    if (errors[i].empty()) files_.push_back(std::move(files[i]));
    else skipped_.push_back(errors[i]);
  }
  check<IoError>(!files_.empty(), "cannot use ", directory, ": every image of the ", split, " split is damaged, the "
                 "first one: ", skipped_.empty() ? "" : skipped_.front());
  const bool color = std::any_of(colors.begin(), colors.end(), [](char c) { return c != 0; });
  channels_ = options_.channels > 0 ? options_.channels : color ? 3 : 1;
}

/// Copies under several names. An equal checksum alone is none: among 200,000 files a few have one by chance.
void ImageFiles::note_duplicates(const std::string& root) {
  std::map<std::tuple<uint32_t, int64_t, int64_t>, const ImageFile*> first;
  std::set<std::string> names;
  int64_t copies = 0;
  std::string example;
  for (const ImageFile& file : files_) {
    if (!names.insert(file.name).second) continue;  // another caption of the same file
    const auto [before, is_new] = first.try_emplace({file.checksum, file.height, file.width}, &file);
    if (is_new || read_image_file(file.path, options_.max_pixels) !=
                      read_image_file(before->second->path, options_.max_pixels))
      continue;
    if (copies++ == 0) example = file.name + " as " + before->second->name;
  }
  if (copies == 0) return;
  notes_.push_back(std::to_string(copies) + " of the " + std::to_string(names.size()) + " files in " + root +
                   (copies == 1 ? " has the same bytes as another one (" : " have the same bytes as others (") +
                   example + (copies == 1 ? ")" : ", ...)"));
}

void ImageFiles::settle_shape() {
  const ImageFile& a = files_.front();
  const auto other = std::find_if(files_.begin(), files_.end(), [&](const ImageFile& b) {
    return b.height != a.height || b.width != a.width;
  });
  const bool mixed = other != files_.end();
  if (options_.height > 0) {
    native_ = {1, options_.height, options_.width};
  } else if (!mixed) {
    native_ = {1, a.height, a.width};
  } else if (!options_.mixed_sizes) {
    fail<IoError>("cannot use ", other->path, ": it has ", other->width, " x ", other->height, " pixels, but ", a.path,
                  " has ", a.width, " x ", a.height, "; give a size, as in --size 64, to crop and scale them all to");
  }
  checksum_ = 0;
  for (const ImageFile& file : files_)
    checksum_ = add(file.caption, add(file.label, add(file.name, add(file.checksum, checksum_))));
  checksum_ = add(native_ ? native_->width : 0, add(native_ ? native_->height : 0, add(channels_, checksum_)));
  checksum_ = add(options_.background, add(options_.resample, add(options_.fit, checksum_)));
}

void ImageFiles::load() {
  if (!native_) return;
  const int64_t image_size = channels_ * native_->height * native_->width;
  if (image_size > options_.memory_bytes / size()) return;
  Tensor pixels({size(), channels_, native_->height, native_->width}, DType::u8);
  uint8_t* to = pixels.mutable_data<uint8_t>();
  const std::vector<std::string> errors = errors_of_each(size(), options_.progress, [&](int64_t i) {
    const Tensor image = decode(i);
    std::memcpy(to + i * image_size, image.data<uint8_t>(), static_cast<size_t>(image_size));
  });
  for (const std::string& error : errors) check<IoError>(error.empty(), error);
  pixels_ = pixels;
}

const ImageFile& ImageFiles::file(int64_t i) const {
  check<Error>(i >= 0 && i < size(), "[image_files] image ", i, " of a set of ", size());
  return files_[static_cast<size_t>(i)];
}

int64_t ImageFiles::label(int64_t i) const {
  const int64_t label = file(i).label;
  return label >= 0 ? label : DataSource::label(i);
}

std::string ImageFiles::caption(int64_t i) const { return has_captions_ ? file(i).caption : DataSource::caption(i); }

Tensor ImageFiles::resize(const Tensor& image, int64_t height, int64_t width) const {
  if (image.size(1) == height && image.size(2) == width) return image;
  return options_.fit == Fit::crop ? center_crop_resize(image, height, width, options_.resample)
                                   : stretch(image, height, width, options_.resample);
}

/// u8 [C, H, W], in the native shape where there is one.
Tensor ImageFiles::decode(int64_t i) const {
  const ImageFile& from = file(i);
  if (pixels_.defined()) return pixels_.select(0, i);
  const std::string bytes = read_image_file(from.path, options_.max_pixels);
  check<IoError>(crc32c(bytes.data(), bytes.size()) == from.checksum, "cannot read ", from.path,
                 ": it has changed since the set was opened");
  const Tensor image = decode_image(bytes, channels_, from.path, decoding(options_));
  return native_ ? resize(image, native_->height, native_->width) : image;
}

Tensor ImageFiles::sample(int64_t i, const SampleShape& shape) const {
  check<ShapeError>(shape.has_pixels(), "[image_files] every size of a sample must be at least 1, got ", shape);
  const Tensor image = resize(decode(i), shape.height, shape.width);
  if (shape.frames == 1) return image.reshape({1, channels_, shape.height, shape.width});
  Tensor frames({shape.frames, channels_, shape.height, shape.width}, DType::u8);
  uint8_t* to = frames.mutable_data<uint8_t>();
  for (int64_t f = 0; f < shape.frames; ++f) to = std::copy_n(image.data<uint8_t>(), image.numel(), to);
  return frames;
}

const uint8_t* ImageFiles::stored_sample(int64_t i, const SampleShape& shape) const {
  check<Error>(i >= 0 && i < size(), "[image_files] image ", i, " of a set of ", size());
  return in_memory() && shape == native_ ? pixels_.data<uint8_t>() + i * channels_ * shape.height * shape.width
                                         : nullptr;
}

}  // namespace ditharos::data
