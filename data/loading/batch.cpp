#include <ditharos/data/loading/batch.h>

#include <numeric>

#include <ditharos/data/loading/batch_reader.h>

namespace ditharos::data {

Tensor Batch::images() const {
  check<ShapeError>(shape.frames == 1, "[Batch] images() takes a batch of samples with one frame, but these are ",
                    shape);
  return samples.select(1, 0);
}

Batch read_batch(const DataSource& source, const SampleShape& shape, std::vector<int64_t> indices,
                 const std::vector<bool>& mirrored) {
  BatchReader reader(source, shape, std::move(indices), mirrored);
  for (int64_t k = 0; k < reader.size(); ++k) reader.read(k);
  return reader.take();
}

Batch read_all(const DataSource& source) {
  const std::optional<SampleShape> shape = source.native_shape();
  check<ShapeError>(shape.has_value(), "[read_all] the samples have no native shape: give one to read_batch");
  std::vector<int64_t> indices(static_cast<size_t>(source.size()));
  std::iota(indices.begin(), indices.end(), 0);
  return read_batch(source, *shape, std::move(indices));
}

}  // namespace ditharos::data
