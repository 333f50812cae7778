#include <ditharos/data/loading/batch_reader.h>

#include <algorithm>
#include <array>
#include <utility>

#include <ditharos/data/datasets/dataset.h>
#include <ditharos/tensor/kernels/copy/copy.h>

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

/// Sample `index`; refuses one of another dtype or shape than the source says.
Tensor checked_sample(const DataSource& source, int64_t index, const SampleShape& shape) {
  const Tensor sample = source.sample(index, shape);
  const Shape wanted{shape.frames, source.channels(), shape.height, shape.width};
  check<DTypeError>(sample.dtype() == source.dtype(), "[read_batch] a source must give ", source.dtype(),
                    ", but sample ", index, " came as ", sample.dtype());
  check<ShapeError>(sample.shape() == wanted && sample.is_contiguous(), "[read_batch] sample ", index,
                    " was wanted contiguous as ", wanted, ", but came ",
                    sample.shape() == wanted ? "with other strides" : "as ", sample.shape());
  return sample;
}

}  // namespace

BatchReader::BatchReader(const DataSource& source, const SampleShape& shape, std::vector<int64_t> indices,
                         std::vector<bool> mirrored)
    : source_(&source), mirrored_(std::move(mirrored)) {
  check<Error>(mirrored_.empty() || mirrored_.size() == indices.size(), "[read_batch] `mirrored` has ",
               mirrored_.size(), " elements for ", indices.size(), " samples");
  const DType dtype = source.dtype();
  check<DTypeError>(dtype == DType::u8 || is_floating(dtype), "[read_batch] takes samples of u8 or floats, got ",
                    dtype);
  check<Error>(dtype == DType::u8 || std::find(mirrored_.begin(), mirrored_.end(), true) == mirrored_.end(),
               "[read_batch] samples of ", dtype, " are not pixels and cannot be mirrored");
  const auto count = static_cast<int64_t>(indices.size());
  const int64_t channels = source.channels();
  rows_ = shape.frames * channels * shape.height;
  batch_.shape = shape;
  batch_.indices = std::move(indices);
  batch_.captions.resize(batch_.indices.size());
  batch_.samples = Tensor({count, shape.frames, channels, shape.height, shape.width});
  samples_ = batch_.samples.mutable_data<float>();
  if (source.num_classes() > 0) {
    batch_.labels = Tensor({count}, DType::i64);
    labels_ = batch_.labels.mutable_data<int64_t>();
  }
}

void BatchReader::read(int64_t k) {
  const auto at = static_cast<size_t>(k);
  const int64_t index = batch_.indices[at];
  const SampleShape& shape = batch_.shape;
  float* to = samples_ + k * rows_ * shape.width;
  if (source_->dtype() == DType::u8) {
    Tensor sample;  // holds the elements where the source has none in memory
    const uint8_t* from = source_->stored_sample(index, shape);
    if (from == nullptr) {
      sample = checked_sample(*source_, index, shape);
      from = sample.data<uint8_t>();
    }
    convert_rows(from, rows_, shape.width, !mirrored_.empty() && mirrored_[at], to);
  } else {
    const Tensor sample = kernels::to(checked_sample(*source_, index, shape), DType::f32);
    std::copy_n(sample.data<float>(), sample.numel(), to);
  }
  if (labels_ != nullptr) labels_[k] = source_->label(index);
  batch_.captions[at] = source_->caption(index);
}

}  // namespace ditharos::data
