#include <ditharos/data/datasets/dataset.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <numeric>

#include <ditharos/data/image/resize.h>
#include <ditharos/tensor/io/crc32c.h>
#include <ditharos/tensor/kernels/copy/copy.h>

namespace ditharos::data {

Dataset::Dataset(Tensor images, Tensor labels, std::vector<std::string> class_names)
    : images_(std::move(images)), labels_(std::move(labels)), class_names_(std::move(class_names)) {
  check<Error>(images_.defined() && labels_.defined(), "[Dataset] images and labels must be defined tensors");
  check<DTypeError>(images_.dtype() == DType::u8 && labels_.dtype() == DType::i64,
                    "[Dataset] takes images as u8 and labels as i64, got ", images_.dtype(), " and ", labels_.dtype());
  check<ShapeError>(images_.rank() == 4 && labels_.rank() == 1 && images_.shape()[0] == labels_.shape()[0],
                    "[Dataset] takes images [N, C, H, W] and labels [N], got ", images_.shape(), " and ",
                    labels_.shape());
  check<ShapeError>(images_.is_contiguous() && labels_.is_contiguous(),
                    "[Dataset] images and labels must be contiguous");
  const int64_t* label = labels_.data<int64_t>();
  for (int64_t i = 0; i < size(); ++i) {
    check<Error>(label[i] >= 0 && label[i] < num_classes(), "[Dataset] image ", i, " has label ", label[i],
                 ", but there are ", num_classes(), " classes");
  }
}

int64_t Dataset::label(int64_t i) const {
  check<Error>(i >= 0 && i < size(), "[Dataset] image ", i, " of a set of ", size());
  return labels_.data<int64_t>()[i];
}

const uint8_t* Dataset::image(int64_t i) const {
  check<Error>(i >= 0 && i < size(), "[Dataset] image ", i, " of a set of ", size());
  return images_.data<uint8_t>() + i * image_size();
}

Tensor Dataset::sample(int64_t i, const SampleShape& shape) const {
  check<Error>(i >= 0 && i < size(), "[Dataset] image ", i, " of a set of ", size());
  check<ShapeError>(shape.has_pixels(), "[Dataset] every size of a sample must be at least 1, got ", shape);
  if (shape == native_shape()) return images_.slice(0, i, i + 1);
  const Tensor image = images_.select(0, i);
  const Tensor resized = shape.height == height() && shape.width == width()
                             ? image
                             : center_crop_resize(image, shape.height, shape.width);
  Tensor frames({shape.frames, channels(), shape.height, shape.width}, DType::u8);
  uint8_t* to = frames.mutable_data<uint8_t>();
  for (int64_t f = 0; f < shape.frames; ++f) to = std::copy_n(resized.data<uint8_t>(), resized.numel(), to);
  return frames;
}

const uint8_t* Dataset::stored_sample(int64_t i, const SampleShape& shape) const {
  return shape == native_shape() ? image(i) : nullptr;
}

uint32_t Dataset::checksum() const {
  const uint32_t crc = crc32c(images_.data<uint8_t>(), static_cast<size_t>(images_.numel()));
  return crc32c(labels_.data<int64_t>(), static_cast<size_t>(size()) * sizeof(int64_t), crc);
}

Dataset Dataset::subset(const std::vector<int64_t>& indices) const {
  const auto n = static_cast<int64_t>(indices.size());
  Tensor images({n, channels(), height(), width()}, DType::u8);
  Tensor labels({n}, DType::i64);
  uint8_t* to = images.mutable_data<uint8_t>();
  int64_t* out = labels.mutable_data<int64_t>();
  for (int64_t k = 0; k < n; ++k) {
    out[k] = label(indices[k]);
    if (image_size() > 0)
      std::memcpy(to + k * image_size(), image(indices[k]), static_cast<size_t>(image_size()));
  }
  return {images, labels, class_names_};
}

Dataset Dataset::first(int64_t n) const {
  check<Error>(n >= 0, "[Dataset] first() takes a number of images >= 0, got ", n);
  if (n >= size()) return *this;
  std::vector<int64_t> indices(static_cast<size_t>(n));
  std::iota(indices.begin(), indices.end(), int64_t{0});
  return subset(indices);
}

std::vector<int64_t> Dataset::indices_of_class(int64_t label) const {
  check<Error>(label >= 0 && label < num_classes(), "[Dataset] class ", label, " of a set of ", num_classes());
  std::vector<int64_t> indices;
  const int64_t* labels = labels_.data<int64_t>();
  for (int64_t i = 0; i < size(); ++i) {
    if (labels[i] == label) indices.push_back(i);
  }
  return indices;
}

Tensor to_unit_range(const Tensor& bytes) {
  check<DTypeError>(bytes.dtype() == DType::u8, "[to_unit_range] takes u8, got ", bytes.dtype());
  const Tensor x = kernels::contiguous(bytes);
  Tensor out(x.shape());
  const uint8_t* from = x.data<uint8_t>();
  float* to = out.mutable_data<float>();
  const int64_t n = x.numel();
  for (int64_t i = 0; i < n; ++i) to[i] = to_unit_range(from[i]);
  return out;
}

Tensor to_bytes(const Tensor& unit_range) {
  check<DTypeError>(unit_range.dtype() == DType::f32, "[to_bytes] takes f32, got ", unit_range.dtype());
  const Tensor x = kernels::contiguous(unit_range);
  Tensor out(x.shape(), DType::u8);
  const float* from = x.data<float>();
  uint8_t* to = out.mutable_data<uint8_t>();
  const int64_t n = x.numel();
  for (int64_t i = 0; i < n; ++i) {
    check<Error>(!std::isnan(from[i]), "[to_bytes] element ", i, " of a tensor ", x.shape(), " is not a number");
    to[i] = static_cast<uint8_t>(std::lround((std::clamp(from[i], -1.0f, 1.0f) + 1.0f) * 127.5f));
  }
  return out;
}

}  // namespace ditharos::data
