#pragma once
// Sources of samples whose bytes are integers in a formula, so that the expected batches can be written down.
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <ditharos/data/datasets/dataset.h>
#include <ditharos/tensor/kernels/copy/copy.h>

namespace ditharos::tests {

/// Byte k of sample i.
inline uint8_t numbered_byte(int64_t i, int64_t k) { return static_cast<uint8_t>(i * 37 + k * 11 + k * k); }

/// n labelled images, each of a class of its own.
inline std::shared_ptr<const data::Dataset> numbered_images(int64_t n, int64_t channels = 3, int64_t height = 4,
                                                            int64_t width = 6) {
  Tensor images({n, channels, height, width}, DType::u8), labels({n}, DType::i64);
  std::vector<std::string> names;
  const int64_t size = channels * height * width;
  for (int64_t i = 0; i < n; ++i) {
    for (int64_t k = 0; k < size; ++k) images.mutable_data<uint8_t>()[i * size + k] = numbered_byte(i, k);
    labels.mutable_data<int64_t>()[i] = i;
    names.push_back("class " + std::to_string(i));
  }
  return std::make_shared<data::Dataset>(images, labels, names);
}

/// n captioned clips; asking for sample `broken` throws an IoError.
class NumberedClips : public data::DataSource {
 public:
  explicit NumberedClips(int64_t n, int64_t broken = -1) : n_(n), broken_(broken) {}
  int64_t size() const override { return n_; }
  Tensor sample(int64_t i, const data::SampleShape& shape) const override {
    check<IoError>(i != broken_, "clip ", i, " is broken");
    Tensor frames({shape.frames, 3, shape.height, shape.width}, DType::u8);
    for (int64_t k = 0; k < frames.numel(); ++k) frames.mutable_data<uint8_t>()[k] = numbered_byte(i, k);
    return frames;
  }
  std::string caption(int64_t i) const override { return "clip " + std::to_string(i); }
  uint32_t checksum() const override { return 0; }

 private:
  int64_t n_, broken_;
};

/// n latents [1, 4, 2, 3], element k of latent i is i + k / 8, in `dtype`.
class NumberedLatents : public data::DataSource {
 public:
  NumberedLatents(int64_t n, DType dtype) : n_(n), dtype_(dtype) {}
  int64_t size() const override { return n_; }
  Tensor sample(int64_t i, const data::SampleShape& shape) const override {
    Tensor x({shape.frames, 4, shape.height, shape.width});
    for (int64_t k = 0; k < x.numel(); ++k) x.mutable_data<float>()[k] = float(i) + float(k) / 8;
    return kernels::to(x, dtype_);
  }
  uint32_t checksum() const override { return 0; }
  DType dtype() const override { return dtype_; }
  int64_t channels() const override { return 4; }
  std::optional<data::SampleShape> native_shape() const override { return data::SampleShape{1, 2, 3}; }

 private:
  int64_t n_;
  DType dtype_;
};

}  // namespace ditharos::tests
