#include <ditharos/data/datasets/dataset.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <numeric>

#include <ditharos/data/image/resize.h>
#include <ditharos/tensor/io/crc32c.h>
#include <ditharos/tensor/kernels/copy/copy.h>
#include <ditharos/tensor/parallel.h>

namespace ditharos::data {

Dataset::Dataset(Tensor images, Tensor labels, std::vector<std::string> class_names, std::vector<std::string> captions)
    : images_(std::move(images)), labels_(std::move(labels)), class_names_(std::move(class_names)),
      captions_(std::move(captions)) {
  check<Error>(images_.defined(), "[Dataset] images must be a defined tensor");
  check<DTypeError>(images_.dtype() == DType::u8, "[Dataset] takes images as u8, got ", images_.dtype());
  check<ShapeError>(images_.rank() == 4 && images_.is_contiguous(),
                    "[Dataset] takes contiguous images [N, C, H, W], got ", images_.shape());
  check<ShapeError>(captions_.empty() || static_cast<int64_t>(captions_.size()) == size(),
                    "[Dataset] takes one caption for each of the ", size(), " images or none, got ", captions_.size());
  if (!labels_.defined()) {
    check<Error>(class_names_.empty(), "[Dataset] ", class_names_.size(), " class names need labels");
    return;
  }
  check<DTypeError>(labels_.dtype() == DType::i64, "[Dataset] takes labels as i64, got ", labels_.dtype());
  check<ShapeError>(labels_.rank() == 1 && labels_.is_contiguous() && labels_.shape()[0] == size(),
                    "[Dataset] takes images [N, C, H, W] and contiguous labels [N], got ", images_.shape(), " and ",
                    labels_.shape());
  const int64_t* label = labels_.data<int64_t>();
  for (int64_t i = 0; i < size(); ++i) {
    check<Error>(label[i] >= 0 && label[i] < num_classes(), "[Dataset] image ", i, " has label ", label[i],
                 ", but there are ", num_classes(), " classes");
  }
}

int64_t Dataset::label(int64_t i) const {
  check<Error>(i >= 0 && i < size(), "[Dataset] image ", i, " of a set of ", size());
  return labels_.defined() ? labels_.data<int64_t>()[i] : DataSource::label(i);
}

std::string Dataset::caption(int64_t i) const {
  check<Error>(i >= 0 && i < size(), "[Dataset] image ", i, " of a set of ", size());
  return captions_.empty() ? DataSource::caption(i) : captions_[static_cast<size_t>(i)];
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
  const Tensor resized =
      shape.height == height() && shape.width == width() ? image : center_crop_resize(image, shape.height, shape.width);
  Tensor frames({shape.frames, channels(), shape.height, shape.width}, DType::u8);
  uint8_t* to = frames.mutable_data<uint8_t>();
  for (int64_t f = 0; f < shape.frames; ++f) to = std::copy_n(resized.data<uint8_t>(), resized.numel(), to);
  return frames;
}

const uint8_t* Dataset::stored_sample(int64_t i, const SampleShape& shape) const {
  return shape == native_shape() ? image(i) : nullptr;
}

uint32_t Dataset::checksum() const {
  uint32_t crc = crc32c(images_.data<uint8_t>(), static_cast<size_t>(images_.numel()));
  if (labels_.defined()) crc = crc32c(labels_.data<int64_t>(), static_cast<size_t>(size()) * sizeof(int64_t), crc);
  for (const std::string& caption : captions_) crc = crc32c(caption.c_str(), caption.size() + 1, crc);
  return crc;
}

Dataset Dataset::subset(const std::vector<int64_t>& indices) const {
  const auto n = static_cast<int64_t>(indices.size());
  Tensor images({n, channels(), height(), width()}, DType::u8), labels;
  std::vector<std::string> captions;
  uint8_t* to = images.mutable_data<uint8_t>();
  for (int64_t k = 0; k < n; ++k) {
    const uint8_t* from = image(indices[static_cast<size_t>(k)]);
    if (image_size() > 0) std::memcpy(to + k * image_size(), from, static_cast<size_t>(image_size()));
  }
  if (labels_.defined()) {
    labels = Tensor({n}, DType::i64);
    for (int64_t k = 0; k < n; ++k) labels.mutable_data<int64_t>()[k] = label(indices[static_cast<size_t>(k)]);
  }
  if (!captions_.empty())
    for (const int64_t i : indices) captions.push_back(caption(i));
  return {images, labels, class_names_, captions};
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

Dataset read_dataset(const DataSource& source) {
  if (const auto* set = dynamic_cast<const Dataset*>(&source)) return *set;
  const std::optional<SampleShape> shape = source.native_shape();
  check<ShapeError>(shape && shape->frames == 1, "[read_dataset] takes a source of images of one size, got ",
                    shape ? "clips of " + to_text(*shape) : "samples without a shape of their own");
  const int64_t n = source.size(), image_size = source.channels() * shape->height * shape->width;
  Tensor images({n, source.channels(), shape->height, shape->width}, DType::u8), labels;
  uint8_t* to = images.mutable_data<uint8_t>();
  parallel_tasks(n, [&](int64_t i) {
    const Tensor image = source.sample(i, *shape);
    std::memcpy(to + i * image_size, image.data<uint8_t>(), static_cast<size_t>(image_size));
  });
  const bool labelled = source.num_classes() > 0;
  if (labelled) labels = Tensor({n}, DType::i64);
  std::vector<std::string> captions;
  bool are_names = true;  // of the classes: they need not be kept
  for (int64_t i = 0; i < n; ++i) {
    if (labelled) labels.mutable_data<int64_t>()[i] = source.label(i);
    captions.push_back(source.caption(i));
    are_names = are_names && captions.back() == source.DataSource::caption(i);
  }
  if (are_names) captions.clear();
  return {images, labels, source.class_names(), captions};
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
