#include <ditharos/data/loading/clip_buckets.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include <ditharos/data/datasets/clips/clip_shape.h>
#include <ditharos/data/loading/batch.h>
#include <ditharos/tensor/error.h>

namespace ditharos::data {
namespace {

double pixels(const SampleShape& shape) { return double(shape.frames) * double(shape.height * shape.width); }

}  // namespace

std::vector<Bucket> clip_buckets(const std::string& shape_list, const std::vector<double>& weights,
                                 int64_t batch_size) {
  const std::vector<SampleShape> shapes = parse_clip_shapes(shape_list, "shapes");
  check<ConfigError>(weights.empty() || weights.size() == shapes.size(), "shape_weights has ", weights.size(),
                     " numbers for ", shapes.size(), " shapes");
  std::vector<Bucket> buckets;
  for (size_t i = 0; i < shapes.size(); ++i) {
    const int64_t batch = std::llround(double(batch_size) * pixels(shapes[0]) / pixels(shapes[i]));
    buckets.push_back(
        {.shape = shapes[i], .batch_size = std::max<int64_t>(1, batch), .weight = weights.empty() ? 1 : weights[i]});
  }
  return buckets;
}

std::vector<SampleShape> used_shapes(const std::vector<Bucket>& buckets) {
  std::vector<SampleShape> shapes;
  for (const Bucket& bucket : buckets)
    if (bucket.weight > 0) shapes.push_back(bucket.shape);
  return shapes;
}

Batch clip_batch(const DataSource& source, const SampleShape& shape, int64_t first, int64_t count) {
  std::vector<int64_t> indices(static_cast<size_t>(count));
  std::iota(indices.begin(), indices.end(), first);
  return read_batch(source, shape, std::move(indices));
}

}  // namespace ditharos::data
