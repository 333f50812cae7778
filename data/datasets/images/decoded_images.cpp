#include <ditharos/data/datasets/images/decoded_images.h>

#include <algorithm>
#include <cstring>
#include <mutex>

#include <ditharos/data/codecs/png.h>
#include <ditharos/tensor/parallel.h>

namespace ditharos::data {

DecodedImages::DecodedImages(std::string op, const std::string& images, const ImageFilesOptions& options)
    : options_(options), op_("[" + std::move(op) + "] ") {
  check<ConfigError>(options.channels == 0 || options.channels == 1 || options.channels == 3, op_,
                     "channels must be 1, 3 or 0 for what the ", images, " have, got ", options.channels);
  const auto [low, high] = std::minmax(options.height, options.width);
  check<ConfigError>((low == 0 && high == 0) || (low > 0 && high <= max_png_side), op_,
                     "height and width must both be 1..", max_png_side, ", or both 0, got ", options.height, " and ",
                     options.width);
  check<ConfigError>(options.memory_bytes >= 0, op_, "memory_bytes must not be negative, got ", options.memory_bytes);
}

std::pair<DecodedImages::Stored, bool> DecodedImages::inspect(const std::string& bytes,
                                                              const std::string& title) const {
  const ImageInfo info = image_info(bytes, title, decoding());
  if (options_.on_damaged == OnDamaged::skip) static_cast<void>(decode_image(bytes, 3, title, decoding()));
  return {{info.height, info.width, crc32c(bytes.data(), bytes.size())}, info.color};
}

std::vector<std::string> DecodedImages::errors_of_each(int64_t n, const std::function<void(int64_t i)>& work) const {
  std::vector<std::string> errors(static_cast<size_t>(n));
  std::mutex mutex;
  int64_t done = 0;
  parallel_tasks(n, [&](int64_t i) {
    try {
      work(i);
    } catch (const IoError& error) {
      errors[static_cast<size_t>(i)] = error.what();
    }
    if (!options_.progress) return;
    const std::lock_guard lock(mutex);
    options_.progress(++done, n);
  });
  return errors;
}

void DecodedImages::settle_channels(const std::vector<char>& colors) {
  const bool color = std::any_of(colors.begin(), colors.end(), [](char c) { return c != 0; });
  channels_ = options_.channels > 0 ? options_.channels : color ? 3 : 1;
}

void DecodedImages::settle_shape() {
  if (options_.height > 0) {
    native_ = {1, options_.height, options_.width};
    return;
  }
  const Stored a = stored(0);
  for (int64_t i = 1; i < size(); ++i) {
    const Stored b = stored(i);
    if (b.height == a.height && b.width == a.width) continue;
    check<IoError>(options_.mixed_sizes, "cannot use ", title(i), ": it has ", b.width, " x ", b.height,
                   " pixels, but ", title(0), " has ", a.width, " x ", a.height,
                   "; give a size, as in --size 64, to crop and scale them all to");
    return;
  }
  native_ = {1, a.height, a.width};
}

uint32_t DecodedImages::add_settings(uint32_t crc) const {
  crc = add_to_checksum(channels_, crc);
  crc = add_to_checksum(native_ ? native_->height : 0, crc);
  crc = add_to_checksum(native_ ? native_->width : 0, crc);
  return add_to_checksum(options_.background, add_to_checksum(options_.resample, add_to_checksum(options_.fit, crc)));
}

void DecodedImages::load() {
  if (!native_) return;
  const int64_t image_size = channels_ * native_->height * native_->width;
  if (image_size > options_.memory_bytes / size()) return;
  Tensor pixels({size(), channels_, native_->height, native_->width}, DType::u8);
  uint8_t* to = pixels.mutable_data<uint8_t>();
  const std::vector<std::string> errors = errors_of_each(size(), [&](int64_t i) {
    const Tensor image = decode(i);
    std::memcpy(to + i * image_size, image.data<uint8_t>(), static_cast<size_t>(image_size));
  });
  for (const std::string& error : errors) check<IoError>(error.empty(), error);
  pixels_ = pixels;
}

Tensor DecodedImages::resize(const Tensor& image, int64_t height, int64_t width) const {
  if (image.size(1) == height && image.size(2) == width) return image;
  return options_.fit == Fit::crop ? center_crop_resize(image, height, width, options_.resample)
                                   : stretch(image, height, width, options_.resample);
}

/// u8 [C, H, W], in the native shape where there is one.
Tensor DecodedImages::decode(int64_t i) const {
  const Stored before = stored(i);
  if (pixels_.defined()) return pixels_.select(0, i);
  const std::string bytes = read(i);
  check<IoError>(crc32c(bytes.data(), bytes.size()) == before.checksum, "cannot read ", title(i),
                 ": it has changed since the set was opened");
  const Tensor image = decode_image(bytes, channels_, title(i), decoding());
  return native_ ? resize(image, native_->height, native_->width) : image;
}

Tensor DecodedImages::sample(int64_t i, const SampleShape& shape) const {
  check<ShapeError>(shape.has_pixels(), op_, "every size of a sample must be at least 1, got ", shape);
  const Tensor image = resize(decode(i), shape.height, shape.width);
  if (shape.frames == 1) return image.reshape({1, channels_, shape.height, shape.width});
  Tensor frames({shape.frames, channels_, shape.height, shape.width}, DType::u8);
  uint8_t* to = frames.mutable_data<uint8_t>();
  for (int64_t f = 0; f < shape.frames; ++f) to = std::copy_n(image.data<uint8_t>(), image.numel(), to);
  return frames;
}

const uint8_t* DecodedImages::stored_sample(int64_t i, const SampleShape& shape) const {
  static_cast<void>(stored(i));  // checks the index
  if (!in_memory() || shape != native_) return nullptr;
  return pixels_.data<uint8_t>() + i * channels_ * shape.height * shape.width;
}

}  // namespace ditharos::data
