#include <ditharos/data/image/resize.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include <ditharos/tensor/kernels/copy/copy.h>

namespace ditharos::data {
namespace {

/// One new pixel along one axis: the weights of the old pixels from `first` on, which add up to 1.
struct Span {
  int64_t first = 0;
  std::vector<double> shares;
};

/// Cuts [start, start + length) of an axis of `old_size` pixels into `new_size` equal spans.
std::vector<Span> spans(int64_t old_size, double start, double length, int64_t new_size) {
  std::vector<Span> list(static_cast<size_t>(new_size));
  const double step = length / static_cast<double>(new_size);
  for (int64_t i = 0; i < new_size; ++i) {
    const double begin = start + step * static_cast<double>(i), end = begin + step;
    Span& span = list[static_cast<size_t>(i)];
    span.first = std::clamp(static_cast<int64_t>(std::floor(begin)), int64_t{0}, old_size - 1);
    const int64_t last = std::clamp(static_cast<int64_t>(std::ceil(end)), span.first + 1, old_size);
    double sum = 0;
    for (int64_t k = span.first; k < last; ++k) {
      const auto left = static_cast<double>(k);
      span.shares.push_back(std::max(0.0, std::min(end, left + 1) - std::max(begin, left)));
      sum += span.shares.back();
    }
    for (double& share : span.shares) share /= sum;
  }
  return list;
}

void validate(const char* function, const Tensor& image, int64_t height, int64_t width) {
  check<DTypeError>(image.dtype() == DType::u8, "[", function, "] takes u8, got ", image.dtype());
  check<ShapeError>(image.rank() == 3 && image.numel() > 0 && height > 0 && width > 0, "[", function,
                    "] takes [C, H, W] with pixels and positive sizes, got ", image.shape(), " and ", height, " x ",
                    width);
}

/// The middle crop_height x crop_width of `image`, averaged to height x width.
Tensor resample(const Tensor& image, double crop_height, double crop_width, int64_t height, int64_t width) {
  const int64_t channels = image.size(0), old_height = image.size(1), old_width = image.size(2);
  // ShapeError before memory is allocated for the sums.
  static_cast<void>(numel({channels, std::max(height, old_height), width}));
  const auto rows = spans(old_height, (static_cast<double>(old_height) - crop_height) / 2, crop_height, height);
  const auto columns = spans(old_width, (static_cast<double>(old_width) - crop_width) / 2, crop_width, width);

  const Tensor planes = kernels::contiguous(image);
  const uint8_t* from = planes.data<uint8_t>();
  Tensor out({channels, height, width}, DType::u8);
  uint8_t* to = out.mutable_data<uint8_t>();
  std::vector<double> narrow(static_cast<size_t>(old_height * width));  // one plane, its columns done: [H, width]
  for (int64_t c = 0; c < channels; ++c, from += old_height * old_width) {
    double* cell = narrow.data();
    for (int64_t y = 0; y < old_height; ++y) {
      for (const Span& span : columns) {
        const uint8_t* pixel = from + y * old_width + span.first;
        double sum = 0;
        for (const double share : span.shares) sum += share * *pixel++;
        *cell++ = sum;
      }
    }
    for (const Span& span : rows) {
      for (int64_t x = 0; x < width; ++x) {
        const double* value = narrow.data() + span.first * width + x;
        double sum = 0;
        for (size_t k = 0; k < span.shares.size(); ++k) sum += span.shares[k] * value[static_cast<int64_t>(k) * width];
        *to++ = static_cast<uint8_t>(std::clamp(std::lround(sum), 0L, 255L));
      }
    }
  }
  return out;
}

}  // namespace

Tensor center_crop_resize(const Tensor& image, int64_t height, int64_t width) {
  validate("center_crop_resize", image, height, width);
  // The crop touches two opposite sides: the factor is the smaller one of the two axes.
  const double factor = std::min(static_cast<double>(image.size(1)) / static_cast<double>(height),
                                 static_cast<double>(image.size(2)) / static_cast<double>(width));
  return resample(image, factor * static_cast<double>(height), factor * static_cast<double>(width), height, width);
}

Tensor stretch(const Tensor& image, int64_t height, int64_t width) {
  validate("stretch", image, height, width);
  return resample(image, static_cast<double>(image.size(1)), static_cast<double>(image.size(2)), height, width);
}

}  // namespace ditharos::data
