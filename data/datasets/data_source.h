#pragma once
// Samples to train on: images and videos, with classes or captions. An image is a clip of one frame.
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <ditharos/data/datasets/image_selection.h>
#include <ditharos/tensor/tensor.h>

namespace ditharos::data {

/// Size of a sample, in frames and pixels. An image has one frame.
struct SampleShape {
  int64_t frames = 0, height = 0, width = 0;
  /// True when every size is at least 1.
  bool has_pixels() const { return frames >= 1 && height >= 1 && width >= 1; }
  friend bool operator==(const SampleShape&, const SampleShape&) = default;
};
/// "16x32x48": frames x height x width.
[[nodiscard]] inline std::string to_text(const SampleShape& shape) {
  return std::to_string(shape.frames) + "x" + std::to_string(shape.height) + "x" + std::to_string(shape.width);
}

/// A set of images or clips that can be read in any shape. Immutable: every function may be called from any thread.
///
/// A custom source is a class with three functions, and more where it has labels, captions or another number of
/// channels. This one has 256 clips, each of one brightness:
///
///   struct Brightness : data::DataSource {
///     int64_t size() const override { return 256; }
///     Tensor sample(int64_t i, const data::SampleShape& shape) const override {
///       Tensor clip({shape.frames, channels(), shape.height, shape.width}, DType::u8);
///       std::fill_n(clip.mutable_data<uint8_t>(), clip.numel(), static_cast<uint8_t>(i));
///       return clip;
///     }
///     std::string caption(int64_t i) const override { return i < 128 ? "dark" : "bright"; }
///     uint32_t checksum() const override { return 1; }  // another number when the lines above change
///   };
class DataSource {
 public:
  virtual ~DataSource() = default;

  virtual int64_t size() const = 0;
  /// Sample i in this shape: contiguous [F, C, H, W] of dtype(); depends on (i, shape) alone. It may share memory with
  /// the source: do not write to it. Error unless 0 <= i < size(), ShapeError unless every size is at least 1.
  virtual Tensor sample(int64_t i, const SampleShape& shape) const = 0;
  /// A CRC-32C of everything that samples, labels and captions depend on, apart from class_names(): they are equal for
  /// sources of equal checksums and class names.
  virtual uint32_t checksum() const = 0;

  /// Of the elements: u8 for pixels, which batches scale to [-1, 1]; f32, f16 or bf16 for what batches hold as it is,
  /// such as the latents of an autoencoder.
  virtual DType dtype() const { return DType::u8; }
  /// Channels of every sample: 1 gray, 3 RGB.
  virtual int64_t channels() const { return 3; }
  /// The names of the classes; none for samples without labels.
  virtual const std::vector<std::string>& class_names() const;
  int64_t num_classes() const { return static_cast<int64_t>(class_names().size()); }
  /// The class of sample i, an index of class_names(). Error unless 0 <= i < size(), and where there are no classes.
  virtual int64_t label(int64_t i) const;
  /// The caption of sample i; does not compute the sample. By default the name of its class, or "" where there are no
  /// classes. Error unless 0 <= i < size().
  virtual std::string caption(int64_t i) const;
  /// The shape in which all samples are stored; none where they differ, or are rendered in any shape.
  virtual std::optional<SampleShape> native_shape() const { return std::nullopt; }
  /// The elements of sample(i, shape) where they are u8 and the source holds them in memory, else nullptr. An optional
  /// optimisation: the loader needs no tensor for each sample.
  virtual const uint8_t* stored_sample(int64_t i, const SampleShape& shape) const;
  /// Sentences on files of the source's folder that it does not use, and on samples that its split leaves out.
  virtual std::vector<std::string> notes() const { return {}; }
  /// Which images the samples are made of, where these are image files or members of archives. Packed samples keep it.
  virtual std::optional<ImageSelection> image_selection() const { return std::nullopt; }
};

}  // namespace ditharos::data
