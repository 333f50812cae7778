#pragma once
// The buckets of a loader of clips, and single batches.
#include <string>
#include <vector>

#include <ditharos/data/loading/loader.h>

namespace ditharos::data {

/// The buckets of a list of shapes such as "8x32x32, 16x32x48" with their weights; without weights all are equal. Each
/// batch has about as many pixels as `batch_size` clips of the first shape. ConfigError when the lists do not fit
/// together.
[[nodiscard]] std::vector<Bucket> clip_buckets(const std::string& shapes, const std::vector<double>& weights,
                                               int64_t batch_size);
/// The shapes with a weight above 0, in their order: those that a model is trained on.
[[nodiscard]] std::vector<SampleShape> used_shapes(const std::vector<Bucket>& buckets);

/// Clips [first, first + count) of a source as one batch, f32 [B, F, 3, H, W] in [-1, 1], and their captions.
[[nodiscard]] Batch clip_batch(const DataSource& source, const SampleShape& shape, int64_t first, int64_t count);

}  // namespace ditharos::data
