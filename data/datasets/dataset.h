#pragma once
// Images in memory, with classes or captions or both.
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include <ditharos/data/datasets/data_source.h>

namespace ditharos::data {

/// The two parts of a data set. No image is in both.
enum class Split { train, test };
[[nodiscard]] inline const char* name_of(Split split) { return split == Split::train ? "train" : "test"; }
[[nodiscard]] inline std::string to_text(Split split) { return name_of(split); }

/// Images of one size, with one class each unless they have none. Immutable; copies share the elements.
class Dataset final : public DataSource {
 public:
  /// `images` u8 [N, C, H, W] and `labels` i64 [N], both contiguous; label k means class_names[k]. Images without
  /// classes have an undefined tensor of labels and no class names. `captions` are N or none: then an image's caption
  /// is the name of its class. ShapeError or DTypeError unless they fit together, Error naming the first image whose
  /// label has no name.
  Dataset(Tensor images, Tensor labels, std::vector<std::string> class_names, std::vector<std::string> captions = {});

  int64_t size() const override { return images_.shape()[0]; }
  int64_t channels() const override { return images_.shape()[1]; }
  int64_t height() const { return images_.shape()[2]; }
  int64_t width() const { return images_.shape()[3]; }
  /// Elements of one image.
  int64_t image_size() const { return channels() * height() * width(); }

  const Tensor& images() const { return images_; }  ///< u8 [N, C, H, W]
  const Tensor& labels() const { return labels_; }  ///< i64 [N]; undefined for images without classes
  const std::vector<std::string>& class_names() const override { return class_names_; }
  int64_t label(int64_t i) const override;
  std::string caption(int64_t i) const override;
  std::optional<SampleShape> native_shape() const override { return SampleShape{1, height(), width()}; }
  /// In the native shape the image itself, without a copy; in others cropped around the middle and averaged
  /// (center_crop_resize). All frames of a clip are the same image.
  Tensor sample(int64_t i, const SampleShape& shape) const override;
  const uint8_t* stored_sample(int64_t i, const SampleShape& shape) const override;
  /// The checksum of images, labels and captions.
  uint32_t checksum() const override;
  /// The bytes of image i, [C, H, W]; Error unless 0 <= i < size().
  const uint8_t* image(int64_t i) const;

  /// Other images, u8 [N, C, H, W], with the labels, class names and captions of these.
  Dataset with_images(Tensor images) const { return {std::move(images), labels_, class_names_, captions_}; }
  /// The images with these indices, in that order, copied, with their captions. Class names stay.
  Dataset subset(const std::vector<int64_t>& indices) const;
  /// The first n images, or all when there are fewer.
  Dataset first(int64_t n) const;
  /// Indices of the images of one class, ascending.
  std::vector<int64_t> indices_of_class(int64_t label) const;

 private:
  Tensor images_, labels_;
  std::vector<std::string> class_names_, captions_;
};

/// All samples of a source in its native shape, in memory: the source itself where it is a Dataset. ShapeError for a
/// source whose samples have no native shape or more than one frame, and what its sample() throws.
[[nodiscard]] Dataset read_dataset(const DataSource& source);

/// A data set as it was read.
struct Opened {
  Dataset dataset;
  std::vector<std::string> skipped = {};  ///< left out on request: "cannot read PATH: reason", one per file
  /// Sentences on other files in the folder and on images that the split leaves out: "40 .jpg files in DIR are not
  /// read".
  std::vector<std::string> notes = {};
};

/// A byte as a float in [-1, 1], the range of the diffusion models' inputs.
[[nodiscard]] inline float to_unit_range(uint8_t byte) { return static_cast<float>(byte) / 127.5f - 1.0f; }
/// The same for u8 of any shape, to contiguous f32 of that shape.
Tensor to_unit_range(const Tensor& bytes);
/// The inverse, clamped and rounded to the nearest byte. Error when an element is not a number.
Tensor to_bytes(const Tensor& unit_range);

}  // namespace ditharos::data
