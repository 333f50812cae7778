#include <ditharos/data/loading/batch.h>

#include <array>

#include <ditharos/data/datasets/dataset.h>

namespace ditharos::data {
namespace {

/// to_unit_range of every byte.
const std::array<float, 256>& unit_range() {
  static const std::array<float, 256> table = [] {
    std::array<float, 256> values{};
    for (size_t byte = 0; byte < values.size(); ++byte) values[byte] = to_unit_range(static_cast<uint8_t>(byte));
    return values;
  }();
  return table;
}

/// n bytes as floats, forwards (step 1) or backwards (step -1). Four are read before the first is written, which halves
/// the time: `to` might overlap the table, so a compiler may not reorder reads and writes.
void convert(const uint8_t* from, int64_t step, int64_t n, float* to) {
  const float* value = unit_range().data();
  int64_t i = 0;
  for (; i + 4 <= n; i += 4, from += 4 * step, to += 4) {
    const float a = value[from[0]], b = value[from[step]], c = value[from[2 * step]], d = value[from[3 * step]];
    to[0] = a, to[1] = b, to[2] = c, to[3] = d;
  }
  for (; i < n; ++i, from += step) *to++ = value[*from];
}

/// `rows` rows of `width` bytes as floats, each row from right to left if it is `mirrored`.
void convert_rows(const uint8_t* from, int64_t rows, int64_t width, bool mirrored, float* to) {
  if (!mirrored) return convert(from, 1, rows * width, to);
  for (int64_t row = 0; row < rows; ++row, from += width, to += width) convert(from + width - 1, -1, width, to);
}

/// The elements of a sample. `storage` holds them where the source has none in memory.
const uint8_t* elements(const DataSource& source, int64_t index, const SampleShape& shape, Tensor& storage) {
  if (const uint8_t* stored = source.stored_sample(index, shape)) return stored;
  storage = source.sample(index, shape);
  const Shape wanted{shape.frames, source.channels(), shape.height, shape.width};
  check<DTypeError>(storage.dtype() == DType::u8, "[read_batch] a source must give u8, but sample ", index, " came as ",
                    storage.dtype());
  check<ShapeError>(storage.shape() == wanted && storage.is_contiguous(), "[read_batch] sample ", index,
                    " was wanted contiguous as ", wanted, ", but came ",
                    storage.shape() == wanted ? "with other strides" : "as ", storage.shape());
  return storage.data<uint8_t>();
}

}  // namespace

Tensor Batch::images() const {
  check<ShapeError>(shape.frames == 1, "[Batch] images() takes a batch of samples with one frame, but these are ",
                    shape);
  return samples.select(1, 0);
}

Batch read_batch(const DataSource& source, const SampleShape& shape, std::vector<int64_t> indices,
                 const std::vector<bool>& mirrored) {
  check<Error>(mirrored.empty() || mirrored.size() == indices.size(), "[read_batch] `mirrored` has ", mirrored.size(),
               " elements for ", indices.size(), " samples");
  const auto count = static_cast<int64_t>(indices.size());
  const int64_t channels = source.channels();
  Batch batch;
  batch.shape = shape;
  batch.indices = std::move(indices);
  batch.samples = Tensor({count, shape.frames, channels, shape.height, shape.width});
  float* to = batch.samples.mutable_data<float>();
  const int64_t rows = shape.frames * channels * shape.height;
  for (size_t k = 0; k < batch.indices.size(); ++k, to += rows * shape.width) {
    Tensor storage;
    const uint8_t* from = elements(source, batch.indices[k], shape, storage);
    convert_rows(from, rows, shape.width, !mirrored.empty() && mirrored[k], to);
  }
  if (source.num_classes() > 0) {
    batch.labels = Tensor({count}, DType::i64);
    int64_t* label = batch.labels.mutable_data<int64_t>();
    for (const int64_t index : batch.indices) *label++ = source.label(index);
  }
  batch.captions.reserve(batch.indices.size());
  for (const int64_t index : batch.indices) batch.captions.push_back(source.caption(index));
  return batch;
}

}  // namespace ditharos::data
