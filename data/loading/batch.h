#pragma once
// A batch: samples of one shape in one tensor.
#include <cstdint>
#include <string>
#include <vector>

#include <ditharos/data/datasets/data_source.h>

namespace ditharos::data {

/// B samples of a source. The axis of frames is always there; images have one frame.
struct Batch {
  Tensor samples;                     ///< f32 [B, F, C, H, W]; pixels in [-1, 1]
  Tensor labels;                      ///< i64 [B]; undefined where the source has no classes
  std::vector<std::string> captions;  ///< B of them, as DataSource::caption has them
  SampleShape shape;                  ///< F, H, W
  std::vector<int64_t> indices;       ///< of the samples in their source
  /// Of a Loader that reads a part of each batch: the place of the first sample in the whole batch, and its samples.
  int64_t first = 0, total = 0;

  /// The samples without the axis of frames, a view [B, C, H, W]. ShapeError unless F = 1.
  Tensor images() const;
};

/// The samples of `source` with these indices, in that order. Sample k is mirrored from left to right where `mirrored`
/// is true; an empty `mirrored` mirrors none. Error where an index is out of range, where `mirrored` has another
/// length, and where a sample that is not u8 is to be mirrored; ShapeError or DTypeError where the source returns
/// another shape or type than requested.
[[nodiscard]] Batch read_batch(const DataSource& source, const SampleShape& shape, std::vector<int64_t> indices,
                               const std::vector<bool>& mirrored = {});
/// All samples of `source` in their native shape, as one batch, for sets that fit into memory. ShapeError where the
/// source has no native shape.
[[nodiscard]] Batch read_all(const DataSource& source);

}  // namespace ditharos::data
