#include <ditharos/data/datasets/arrays/array_pixels.h>

#include <algorithm>
#include <cmath>

#include <ditharos/tensor/io/number_text.h>
#include <ditharos/tensor/kernels/copy/copy.h>

namespace ditharos::data {
namespace {

constexpr int64_t most_classes = 65536;

bool is_channels(int64_t size) { return size == 1 || size == 3; }

/// A view [N, C, H, W].
Tensor with_channels(const Tensor& array, const std::string& name) {
  const Shape& shape = array.shape();
  check<IoError>(shape.rank() == 3 || shape.rank() == 4, "cannot use ", name,
                 ": images are [N, H, W], [N, H, W, C] or [N, C, H, W], but its shape is ", shape);
  check<IoError>(std::all_of(shape.begin(), shape.end(), [](int64_t size) { return size > 0; }), "cannot use ", name,
                 ": its shape is ", shape, ", which holds no pixels");
  if (shape.rank() == 3) {
    check<IoError>(!is_channels(shape[2]), "cannot use ", name, ": its shape ", shape,
                   " is ambiguous: a single image of ", shape[2], " channels, or ", shape[0],
                   " images that are as narrow; save the images as [N, H, W, C]");
    return array.reshape({shape[0], 1, shape[1], shape[2]});
  }
  const bool first = is_channels(shape[1]), last = is_channels(shape[3]);
  check<IoError>(first || last, "cannot use ", name, ": its shape is ", shape,
                 ", but neither the second nor the last axis has the 1 or 3 channels of an image");
  check<IoError>(!first || !last, "cannot use ", name, ": its shape ", shape,
                 " is ambiguous: the channels may be the second axis or the last; images must be larger than 3 pixels");
  return first ? array : array.permute({0, 3, 1, 2});
}

/// Numbers as bytes: (x - low) * scale, rounded.
struct PixelRange {
  double low = 0, scale = 1;
  std::string note;
};

template <class T>
PixelRange range_of(const T* x, int64_t n, DType dtype, const std::string& name) {
  double least = 0, most = 0;
  bool whole = true;
  for (int64_t i = 0; i < n; ++i) {
    const auto value = static_cast<double>(x[i]);
    check<IoError>(std::isfinite(value), "cannot use ", name, ": element ", i, " is ", value, ", no brightness");
    least = i == 0 ? value : std::min(least, value);
    most = i == 0 ? value : std::max(most, value);
    whole = whole && value == std::floor(value);
  }
  const std::string held =
      name + " holds " + name_of(dtype) + " from " + general_text(least, 6) + " to " + general_text(most, 6);
  const bool fraction = is_floating(dtype);
  if (fraction && least >= 0 && most <= 1) return {0, 255, held + ": 0 becomes black and 1 white"};
  if (fraction && least >= -1 && most <= 1) return {-1, 127.5, held + ": -1 becomes black and 1 white"};
  check<IoError>(whole && least >= 0 && most <= 255, "cannot use ", held,
                 fraction ? "; images are u8, or floats from 0 to 1, from -1 to 1, or whole numbers from 0 to 255"
                          : "; images are u8, or whole numbers from 0 to 255");
  return {0, 1, held + ": they are taken as bytes"};
}

Tensor to_u8(const Tensor& array, const std::string& name, std::string& note) {
  if (array.dtype() == DType::u8) return array;
  Tensor bytes(array.shape(), DType::u8);
  uint8_t* to = bytes.mutable_data<uint8_t>();
  const int64_t n = array.numel();
  if (array.dtype() == DType::boolean) {
    const bool* from = array.data<bool>();
    for (int64_t i = 0; i < n; ++i) to[i] = from[i] ? 255 : 0;
    note = name + " holds booleans: false becomes black and true white";
    return bytes;
  }
  const Tensor wide = array.dtype() == DType::f16 ? kernels::to(array, DType::f32) : array;
  visit_dtype(wide.dtype(), [&](auto zero) {
    using T = decltype(zero);
    if constexpr (std::is_arithmetic_v<T>) {
      const T* from = wide.data<T>();
      const PixelRange range = range_of(from, n, array.dtype(), name);
      for (int64_t i = 0; i < n; ++i)
        to[i] = static_cast<uint8_t>(std::lround((static_cast<double>(from[i]) - range.low) * range.scale));
      note = range.note;
    }
  });
  return bytes;
}

}  // namespace

Tensor images_of(const Tensor& array, const std::string& name, std::string& note) {
  const Tensor view = with_channels(array, name);  // before the conversion, which costs more
  if (array.dtype() == DType::u8) return kernels::contiguous(view);
  return kernels::contiguous(with_channels(to_u8(array, name, note), name));
}

Tensor labels_of(const Tensor& array, const std::string& name) {
  const Shape& shape = array.shape();
  check<IoError>(array.dtype() == DType::i64 || array.dtype() == DType::i32 || array.dtype() == DType::u8,
                 "cannot use ", name, ": labels are integers (i8, i4 or u1 in NumPy), but its elements are ",
                 array.dtype());
  check<IoError>(shape.rank() == 1 || (shape.rank() == 2 && shape[1] == 1), "cannot use ", name,
                 ": labels are [N] or [N, 1], the number of each image's class, but its shape is ", shape);
  const Tensor labels = kernels::to(array.reshape({shape[0]}), DType::i64);
  const int64_t* label = labels.data<int64_t>();
  for (int64_t i = 0; i < shape[0]; ++i)
    check<IoError>(label[i] >= 0 && label[i] < most_classes, "cannot use ", name, ": label ", i, " is ", label[i],
                   "; labels are numbers from 0 to ", most_classes - 1);
  return labels;
}

}  // namespace ditharos::data
