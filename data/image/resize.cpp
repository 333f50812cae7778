#include <ditharos/data/image/resize.h>

#include <algorithm>
#include <cmath>
#include <numbers>
#include <vector>

#include <ditharos/tensor/kernels/copy/copy.h>

namespace ditharos::data {
namespace {

/// One new pixel along one axis: the weights of the old pixels from `first` on, which add up to 1.
struct Span {
  int64_t first = 0;
  std::vector<double> shares;
};

void normalise(Span& span) {
  double sum = 0;
  for (const double share : span.shares) sum += share;
  for (double& share : span.shares) share /= sum;
}

/// Cuts [start, start + length) of an axis of `old_size` pixels into `new_size` equal spans.
std::vector<Span> area_spans(int64_t old_size, double start, double length, int64_t new_size) {
  std::vector<Span> list(static_cast<size_t>(new_size));
  const double step = length / static_cast<double>(new_size);
  for (int64_t i = 0; i < new_size; ++i) {
    const double begin = start + step * static_cast<double>(i), end = begin + step;
    Span& span = list[static_cast<size_t>(i)];
    span.first = std::clamp(static_cast<int64_t>(std::floor(begin)), int64_t{0}, old_size - 1);
    const int64_t last = std::clamp(static_cast<int64_t>(std::ceil(end)), span.first + 1, old_size);
    for (int64_t k = span.first; k < last; ++k) {
      const auto left = static_cast<double>(k);
      span.shares.push_back(std::max(0.0, std::min(end, left + 1) - std::max(begin, left)));
    }
    normalise(span);
  }
  return list;
}

double sinc(double x) { return x == 0 ? 1 : std::sin(std::numbers::pi * x) / (std::numbers::pi * x); }

constexpr double lanczos_radius = 3;
double lanczos(double x) { return std::abs(x) < lanczos_radius ? sinc(x) * sinc(x / lanczos_radius) : 0; }

/// The same part of the axis by Lanczos' kernel around the middle of each new pixel, which reaches beyond the part
/// where the axis does.
std::vector<Span> lanczos_spans(int64_t old_size, double start, double length, int64_t new_size) {
  std::vector<Span> list(static_cast<size_t>(new_size));
  const double step = length / static_cast<double>(new_size), scale = std::max(step, 1.0);
  for (int64_t i = 0; i < new_size; ++i) {
    const double middle = start + step * (static_cast<double>(i) + 0.5), reach = lanczos_radius * scale;
    Span& span = list[static_cast<size_t>(i)];
    span.first = std::max(static_cast<int64_t>(std::floor(middle - reach + 0.5)), int64_t{0});
    const int64_t last = std::min(static_cast<int64_t>(std::floor(middle + reach + 0.5)), old_size);
    for (int64_t k = span.first; k < last; ++k)
      span.shares.push_back(lanczos((static_cast<double>(k) + 0.5 - middle) / scale));
    normalise(span);
  }
  return list;
}

std::vector<Span> spans(Resample method, int64_t old_size, double length, int64_t new_size) {
  const double start = (static_cast<double>(old_size) - length) / 2;
  return method == Resample::area ? area_spans(old_size, start, length, new_size)
                                  : lanczos_spans(old_size, start, length, new_size);
}

void validate(const char* function, const Tensor& image, int64_t height, int64_t width) {
  check<DTypeError>(image.dtype() == DType::u8, "[", function, "] takes u8, got ", image.dtype());
  check<ShapeError>(image.rank() == 3 && image.numel() > 0 && height > 0 && width > 0, "[", function,
                    "] takes [C, H, W] with pixels and positive sizes, got ", image.shape(), " and ", height, " x ",
                    width);
}

/// The middle crop_height x crop_width of `image` as height x width.
Tensor resample(const Tensor& image, double crop_height, double crop_width, int64_t height, int64_t width,
                Resample method) {
  const int64_t channels = image.size(0), old_height = image.size(1), old_width = image.size(2);
  // ShapeError before memory is allocated for the sums.
  static_cast<void>(numel({channels, std::max(height, old_height), width}));
  const auto rows = spans(method, old_height, crop_height, height);
  const auto columns = spans(method, old_width, crop_width, width);
  const int64_t top = rows.front().first, bottom = rows.back().first + static_cast<int64_t>(rows.back().shares.size());

  const Tensor planes = kernels::contiguous(image);
  const uint8_t* from = planes.data<uint8_t>();
  Tensor out({channels, height, width}, DType::u8);
  uint8_t* to = out.mutable_data<uint8_t>();
  std::vector<double> narrow(static_cast<size_t>(old_height * width));  // one plane, its columns done: [H, width]
  for (int64_t c = 0; c < channels; ++c, from += old_height * old_width) {
    double* cell = narrow.data() + top * width;
    for (int64_t y = top; y < bottom; ++y) {
      for (const Span& span : columns) {
        const uint8_t* pixel = from + y * old_width + span.first;
        double sum = 0;
        for (const double share : span.shares) sum += share * *pixel++;
        *cell++ = std::clamp(sum, 0.0, 255.0);
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

Tensor center_crop_resize(const Tensor& image, int64_t height, int64_t width, Resample method) {
  validate("center_crop_resize", image, height, width);
  // The crop touches two opposite sides: the factor is the smaller one of the two axes.
  const double factor = std::min(static_cast<double>(image.size(1)) / static_cast<double>(height),
                                 static_cast<double>(image.size(2)) / static_cast<double>(width));
  return resample(image, factor * static_cast<double>(height), factor * static_cast<double>(width), height, width,
                  method);
}

Tensor stretch(const Tensor& image, int64_t height, int64_t width, Resample method) {
  validate("stretch", image, height, width);
  return resample(image, static_cast<double>(image.size(1)), static_cast<double>(image.size(2)), height, width, method);
}

}  // namespace ditharos::data
