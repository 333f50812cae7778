#pragma once
// Samples that were decoded and resized once and are read from a few large files: a cache on disk, larger than memory.
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include <ditharos/data/datasets/data_source.h>

namespace ditharos::data {

/// The samples that write_packed has written to a folder, equal to those of their source, in the one shape in which
/// they were written. Labels and captions are in memory (about 24 bytes a sample and the captions), samples are read
/// from the file at each call. The checksum of a sample is compared each time it is read.
class PackedDataset final : public DataSource {
 public:
  /// Opens a folder. IoError with the path and the fault: no index (its writing did not end), an index or labels that
  /// are damaged, a shard that is missing or of another size.
  explicit PackedDataset(const std::string& folder);
  ~PackedDataset() override;

  int64_t size() const override;
  /// ShapeError for another shape than native_shape(), IoError where the file cannot be read or the sample is damaged.
  Tensor sample(int64_t i, const SampleShape& shape) const override;
  /// The checksum of the source that the samples were made of.
  uint32_t checksum() const override;
  DType dtype() const override;
  int64_t channels() const override;
  const std::vector<std::string>& class_names() const override;
  int64_t label(int64_t i) const override;
  std::string caption(int64_t i) const override;
  std::optional<SampleShape> native_shape() const override;
  /// That of the source, as the index has it.
  std::optional<ImageSelection> image_selection() const override;

  /// Makes this the image_selection(), and writes the index where it was another one. IoError, and nothing has changed,
  /// where it cannot be written. Not while other threads use the dataset.
  void keep_selection(const std::optional<ImageSelection>& images);
  /// Reads all samples. IoError, with the path, for one whose checksum does not fit.
  void check_samples() const;
  /// "" when these are the samples of `source` in this shape, else the first difference: "its number of samples is 10,
  /// and the data have 12".
  [[nodiscard]] std::string difference_from(const DataSource& source, const SampleShape& shape) const;

 private:
  struct Contents;
  std::unique_ptr<Contents> contents_;
};

/// True when `folder` has the index of packed samples.
[[nodiscard]] bool is_packed(const std::string& folder);
/// The image selections of all packed samples in the folders FOLDER/PREFIX..., for ImageFilesOptions::earlier. Without
/// those of folders whose index cannot be read: packed() says what is wrong with them.
[[nodiscard]] std::vector<ImageSelection> packed_selections(const std::string& folder, const std::string& prefix);

}  // namespace ditharos::data
