#pragma once
// The shapes that a loader of clips draws its batches in, and single batches.
#include <string>
#include <vector>

#include <ditharos/data/loading/loader.h>

namespace ditharos::data {

/// The shapes of a list such as "8x32x32, 16x32x48" with their weights, none for equal ones; each with a batch that
/// holds about as many pixels as `batch_size` clips of the first. ConfigError when lists do not fit together.
[[nodiscard]] std::vector<Bucket> clip_buckets(const std::string& shapes, const std::vector<double>& weights,
                                                   int64_t batch_size);
/// The shapes with a weight above 0, in their order: those that a model is trained on.
[[nodiscard]] std::vector<SampleShape> used_shapes(const std::vector<Bucket>& buckets);

/// Clips [first, first + count) of a source as one batch, f32 [B, F, 3, H, W] in [-1, 1], and their captions.
[[nodiscard]] Batch clip_batch(const DataSource& source, const SampleShape& shape, int64_t first, int64_t count);

}  // namespace ditharos::data
