#pragma once
// One source of samples in several shapes, joined from a source for each shape.
#include <memory>
#include <vector>

#include <ditharos/data/datasets/data_source.h>

namespace ditharos::data {

/// The same samples in several shapes, where the samples of each shape come from a source of their own, whose native
/// shape it is: packed samples (packed_dataset.h), or latents, for the buckets of a loader.
class SourcesByShape final : public DataSource {
 public:
  /// ConfigError unless there is a source, and all have native shapes, different ones, and the same number of samples,
  /// dtype, channels and class names.
  explicit SourcesByShape(std::vector<std::shared_ptr<const DataSource>> sources);

  int64_t size() const override { return first().size(); }
  /// That of the source of this shape. ShapeError, naming all shapes, where there is none.
  Tensor sample(int64_t i, const SampleShape& shape) const override { return source_of(shape).sample(i, shape); }
  /// A checksum of those of all sources.
  uint32_t checksum() const override;
  DType dtype() const override { return first().dtype(); }
  int64_t channels() const override { return first().channels(); }
  const std::vector<std::string>& class_names() const override { return first().class_names(); }
  int64_t label(int64_t i) const override { return first().label(i); }
  std::string caption(int64_t i) const override { return first().caption(i); }
  /// The shape, where there is only one.
  std::optional<SampleShape> native_shape() const override;
  const uint8_t* stored_sample(int64_t i, const SampleShape& shape) const override {
    return source_of(shape).stored_sample(i, shape);
  }
  std::vector<std::string> notes() const override { return first().notes(); }
  std::optional<ImageSelection> image_selection() const override { return first().image_selection(); }

 private:
  const DataSource& first() const { return *sources_.front(); }
  const DataSource& source_of(const SampleShape& shape) const;

  std::vector<std::shared_ptr<const DataSource>> sources_;
};

}  // namespace ditharos::data
