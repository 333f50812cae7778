#include <ditharos/data/loading/clip_buckets.h>

#include <algorithm>
#include <cmath>

#include <ditharos/data/datasets/clip_shape.h>
#include <ditharos/data/datasets/dataset.h>

namespace ditharos::data {
namespace {

double pixels(const ClipShape& shape) { return double(shape.frames) * double(shape.height * shape.width); }

}  // namespace

std::vector<ClipBucket> clip_buckets(const std::string& shape_list, const std::vector<double>& weights,
                                     int64_t batch_size) {
  const std::vector<ClipShape> shapes = parse_clip_shapes(shape_list, "shapes");
  check<ConfigError>(weights.empty() || weights.size() == shapes.size(), "shape_weights has ", weights.size(),
                     " numbers for ", shapes.size(), " shapes");
  std::vector<ClipBucket> buckets;
  for (size_t i = 0; i < shapes.size(); ++i) {
    const int64_t batch = std::llround(double(batch_size) * pixels(shapes[0]) / pixels(shapes[i]));
    buckets.push_back({.shape = shapes[i], .batch_size = std::max<int64_t>(1, batch),
                       .weight = weights.empty() ? 1 : weights[i]});
  }
  return buckets;
}

std::vector<ClipShape> used_shapes(const std::vector<ClipBucket>& buckets) {
  std::vector<ClipShape> shapes;
  for (const ClipBucket& bucket : buckets)
    if (bucket.weight > 0) shapes.push_back(bucket.shape);
  return shapes;
}

ClipBatch clip_batch(const ClipSource& source, const ClipShape& shape, int64_t first, int64_t count) {
  ClipBatch batch;
  batch.shape = shape;
  batch.clips = Tensor({count, shape.frames, 3, shape.height, shape.width});
  float* to = batch.clips.mutable_data<float>();
  for (int64_t i = first; i < first + count; ++i) {
    CaptionedClip clip = source.clip(i, shape);
    const uint8_t* from = clip.frames.data<uint8_t>();
    for (int64_t k = 0; k < clip.frames.numel(); ++k) *to++ = to_unit_range(from[k]);
    batch.captions.push_back(std::move(clip.caption));
    batch.indices.push_back(i);
  }
  return batch;
}

}  // namespace ditharos::data
