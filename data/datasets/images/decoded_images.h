#pragma once
// Encoded images as samples, wherever their bytes are: decoded and resized when they are needed, or once where they fit
// into memory.
#include <atomic>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include <ditharos/data/codecs/image_file.h>
#include <ditharos/data/datasets/data_source.h>
#include <ditharos/data/image/resize.h>
#include <ditharos/tensor/io/crc32c.h>

namespace ditharos::data {

/// What is done about files that cannot be read.
enum class OnDamaged {
  stop,  ///< IoError with the path and the reason
  /// They are left out and named in skipped(). Every file is decoded once when the set is opened, unless
  /// ImageFilesOptions::earlier already says which can be.
  skip,
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
  Color background = white;  ///< shows where an image is transparent
  OnDamaged on_damaged = OnDamaged::stop;
  int64_t max_pixels = default_max_pixels;  ///< of one file; see pixel_limit.h
  /// Sets whose samples take at most this many bytes are kept in memory.
  int64_t memory_bytes = int64_t{1} << 30;
  /// With OnDamaged::skip: what earlier openings found, such as packed_selections (packed_dataset.h). Where one of them
  /// is of the same bytes as the files, its damaged images are left out and nothing is decoded to find others.
  std::vector<ImageSelection> earlier = {};
  /// Called while the set is opened, in the order of `done`, from any thread but never from two at once: for every file
  /// that is read, and from 1 on again for every one where they are decoded only when all headers are known.
  std::function<void(int64_t done, int64_t total)> progress = {};
};

/// An encoded image as it was when its set was opened.
struct EncodedImage {
  int64_t height = 0, width = 0;  ///< before it is resized
  uint32_t checksum = 0;          ///< CRC-32C of its bytes
};

/// The part of a set that does not depend on where its encoded images are. A derived class lists them and calls open()
/// in its constructor; until then its functions are of all images that it has listed.
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
  std::optional<ImageSelection> image_selection() const override { return selection_; }
  /// How many times an image was decoded so far.
  int64_t decodings() const { return decodings_; }

  /// Error unless 0 <= i < size(), here and below.
  const EncodedImage& encoded(int64_t i) const;
  /// Its bytes as they are now. IoError where they cannot be read.
  std::string encoded_bytes(int64_t i) const { return read(i); }
  /// Its name within the set, which samples of one image share.
  virtual std::string name(int64_t i) const = 0;

 protected:
  /// ConfigError for an impossible option. `op` is for messages, `images` their name there: "files".
  DecodedImages(std::string op, const std::string& images, const ImageFilesOptions& options);

  /// Reads all images that are listed, after check_listed(i), which throws an IoError for one that cannot be used.
  /// Leaves out those that cannot be read or decoded, or throws for the first of them, as the options have it. Settles
  /// channels, native shape and checksum, and decodes the samples into memory if they fit there. IoError, with
  /// `refusal` in front of the first reason, where no image is left, and for images of several sizes, unless the
  /// options allow them.
  void open(const std::string& refusal, const std::function<void(int64_t i)>& check_listed);

  /// Those of `all` that are to be kept.
  template <class T>
  [[nodiscard]] static std::vector<T> kept(std::vector<T> all, const std::vector<char>& keep) {
    std::vector<T> rest;
    for (size_t i = 0; i < all.size(); ++i)
      if (keep[i] != 0) rest.push_back(std::move(all[i]));
    return rest;
  }

  ImageFilesOptions options_;
  std::vector<std::string> class_names_, skipped_, notes_;

 private:
  struct Scan;

  /// Its name in messages.
  virtual std::string title(int64_t i) const = 0;
  virtual std::string read(int64_t i) const = 0;
  /// The checksum `crc` with what decides on sample i: its image, label and caption.
  virtual uint32_t add_sample(int64_t i, uint32_t crc) const = 0;
  /// Forgets the listed images with keep[i] == 0.
  virtual void keep_only(const std::vector<char>& keep) = 0;

  std::vector<std::string> errors_of_each(int64_t n, const std::function<void(int64_t i)>& work) const;
  bool fits_memory(int64_t images, int64_t channels, int64_t height, int64_t width) const;
  void read_headers(Scan& scan, const std::function<void(int64_t i)>& check_listed, bool decodes);
  bool find_earlier(Scan& scan) const;
  std::string settle(const Scan& scan);
  Tensor decode_all(Scan& scan) const;
  ImageSelection select(const Scan& scan) const;
  void note_emptied_classes(const std::vector<char>& keep);
  uint32_t selection_checksum(const std::vector<std::string>& errors) const;

  std::string read_unchanged(int64_t i) const;
  Tensor decode(const std::string& bytes, int64_t channels, int64_t i) const;
  Tensor native_image(int64_t i) const;
  Tensor resize(const Tensor& image, int64_t height, int64_t width) const;
  ImageDecoding decoding() const { return {options_.background, options_.max_pixels}; }

  std::string op_;
  int64_t channels_ = 0;
  std::optional<SampleShape> native_;
  uint32_t checksum_ = 0;
  ImageSelection selection_;
  std::vector<EncodedImage> encoded_;
  Tensor pixels_;  // u8 [N, C, H, W]; undefined where the samples are not kept
  mutable std::atomic<int64_t> decodings_ = 0;
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
