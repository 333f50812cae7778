#pragma once
// Encoded images as samples, wherever their bytes are: decoded and resized when they are needed, or once where they fit
// into memory.
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <ditharos/data/codecs/image_file.h>
#include <ditharos/data/datasets/data_source.h>
#include <ditharos/data/image/resize.h>
#include <ditharos/tensor/io/crc32c.h>

namespace ditharos::data {

/// What is done about files that cannot be read.
enum class OnDamaged {
  stop,  ///< IoError with the path and the reason
  skip,  ///< they are left out and named in skipped(); every file is decoded once when the set is opened
};

/// How an image gets another size.
enum class Fit {
  crop,     ///< the largest part around the middle with the new proportions (center_crop_resize)
  stretch,  ///< the whole image, its proportions changed
};

struct ImageFilesOptions {
  int64_t channels = 0;  ///< 1: gray; 3: RGB; 0: gray if every file is gray, else RGB
  /// Size of the samples. 0 for both: as the files are, which must all have one size unless `mixed_sizes`.
  int64_t height = 0, width = 0;
  /// Without a size, files may differ in theirs: the set then has no native shape.
  bool mixed_sizes = false;
  Fit fit = Fit::crop;
  Resample resample = Resample::area;
  Color background = white;                 ///< shows where an image is transparent
  OnDamaged on_damaged = OnDamaged::stop;
  int64_t max_pixels = default_max_pixels;  ///< of one file; see pixel_limit.h
  /// Sets whose samples take at most this many bytes are kept in memory.
  int64_t memory_bytes = int64_t{1} << 30;
  /// Called while the set is opened, in the order of `done`, from any thread but never from two at once: for every file
  /// that is read, and from 1 on again for every one that is decoded to be kept in memory.
  std::function<void(int64_t done, int64_t total)> progress = {};
};

/// The part of a set that does not depend on where its encoded images are. A derived class lists them, reads their
/// bytes, and calls, in this order, settle_channels, settle_shape and load in its constructor.
class DecodedImages : public DataSource {
 public:
  int64_t channels() const override { return channels_; }
  const std::vector<std::string>& class_names() const override { return class_names_; }
  std::optional<SampleShape> native_shape() const override { return native_; }
  /// In another shape than the native one, the native image resized again; without a native shape, the image resized
  /// once. All frames of a clip are the same image. IoError when it cannot be read or has changed.
  Tensor sample(int64_t i, const SampleShape& shape) const override;
  const uint8_t* stored_sample(int64_t i, const SampleShape& shape) const override;
  uint32_t checksum() const override { return checksum_; }
  std::vector<std::string> notes() const override { return notes_; }
  /// True when the samples are kept in memory.
  bool in_memory() const { return pixels_.defined(); }
  /// A sentence for everything that was left out: "cannot read PATH: reason".
  const std::vector<std::string>& skipped() const { return skipped_; }

 protected:
  /// An image as it was when the set was opened.
  struct Stored {
    int64_t height = 0, width = 0;
    uint32_t checksum = 0;  // CRC-32C of its bytes
  };

  /// ConfigError for an impossible option. `op` is for messages, `images` their name there: "files".
  DecodedImages(std::string op, const std::string& images, const ImageFilesOptions& options);

  /// Error unless 0 <= i < size().
  virtual Stored stored(int64_t i) const = 0;
  /// Its name in messages.
  virtual std::string title(int64_t i) const = 0;
  virtual std::string read(int64_t i) const = 0;

  /// Height, width, and the checksum of an image's bytes, and whether it is one of colours. Decodes it where damaged
  /// ones are to be left out.
  std::pair<Stored, bool> inspect(const std::string& bytes, const std::string& title) const;
  /// Runs work(i) for i in [0, n) in parallel and returns the message of each IoError; "" where there was none.
  std::vector<std::string> errors_of_each(int64_t n, const std::function<void(int64_t i)>& work) const;
  /// Those of `all` without an error; the others' errors go to skipped_, or are thrown unless they may be left out.
  template <class T>
  [[nodiscard]] std::vector<T> usable(std::vector<T> all, const std::vector<std::string>& errors) {
    std::vector<T> sound;
    for (size_t i = 0; i < errors.size(); ++i) {
      check<IoError>(options_.on_damaged == OnDamaged::skip || errors[i].empty(), errors[i]);
      if (errors[i].empty()) sound.push_back(std::move(all[i]));
      else skipped_.push_back(errors[i]);
    }
    return sound;
  }
  void settle_channels(const std::vector<char>& colors);
  /// The native shape. IoError for images of several sizes, unless the options allow them.
  void settle_shape();
  /// Adds what decides on the samples beside the images to a checksum.
  uint32_t add_settings(uint32_t crc) const;
  /// Decodes the samples into memory, if they fit there.
  void load();

  ImageFilesOptions options_;
  std::vector<std::string> class_names_, skipped_, notes_;
  int64_t channels_ = 0;
  std::optional<SampleShape> native_;
  uint32_t checksum_ = 0;

 private:
  Tensor decode(int64_t i) const;
  Tensor resize(const Tensor& image, int64_t height, int64_t width) const;
  ImageDecoding decoding() const { return {options_.background, options_.max_pixels}; }

  std::string op_;
  Tensor pixels_;  // u8 [N, C, H, W]; undefined where the samples are not kept
};

/// The CRC-32C of what `crc` is of and a value behind it.
template <class T>
[[nodiscard]] uint32_t add_to_checksum(const T& value, uint32_t crc) {
  return crc32c(&value, sizeof value, crc);
}
[[nodiscard]] inline uint32_t add_to_checksum(const std::string& text, uint32_t crc) {
  return crc32c(text.c_str(), text.size() + 1, crc);
}

}  // namespace ditharos::data
