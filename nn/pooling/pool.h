#pragma once
// Pooling and resizing as modules. x [B, C, H, W], or [B, C, L] for the modules in 1d.
#include <cmath>
#include <initializer_list>
#include <optional>

#include <ditharos/autograd/ops.h>
#include <ditharos/nn/module.h>

namespace ditharos::nn {

/// The common base: windows of `kernel_size`. Without a stride, they do not overlap.
template <class Self>
class WindowPool : public Module<Self> {
 public:
  explicit WindowPool(const PerAxis& kernel_size, const std::optional<PerAxis>& stride = {}, const PerAxis& padding = 0)
      : kernel_(kernel_size), stride_(stride), padding_(padding) {}
  /// {height, width} of the windows.
  explicit WindowPool(std::initializer_list<int64_t> kernel_size) : WindowPool(PerAxis(kernel_size)) {}
  void visit(Visitor&) override {}

 protected:
  PerAxis kernel_;
  std::optional<PerAxis> stride_;
  PerAxis padding_;
};

/// The largest element of each window; padding counts as minus infinity.
class MaxPool2d : public WindowPool<MaxPool2d> {
 public:
  using WindowPool::WindowPool;
  Tensor forward(const Tensor& x) const { return max_pool2d(x, kernel_, stride_, padding_); }
};

/// The mean of each window; padding counts as zeros.
class AvgPool2d : public WindowPool<AvgPool2d> {
 public:
  using WindowPool::WindowPool;
  Tensor forward(const Tensor& x) const { return avg_pool2d(x, kernel_, stride_, padding_); }
};

/// The means of `output_size` windows, which cover the image evenly.
class AdaptiveAvgPool2d : public Module<AdaptiveAvgPool2d> {
 public:
  explicit AdaptiveAvgPool2d(const PerAxis& output_size) : size_(output_size) {}
  Tensor forward(const Tensor& x) const { return adaptive_avg_pool2d(x, size_); }
  void visit(Visitor&) override {}

 private:
  PerAxis size_;
};

/// x [B, C, L] as an image with one row.
inline Tensor as_row(const char* type, const Tensor& x) {
  check<ShapeError>(x.rank() == 3, "[", type, "] needs x [B, C, L], got ", x.shape());
  return unsqueeze(x, 2);
}

/// MaxPool2d of sequences.
class MaxPool1d : public Module<MaxPool1d> {
 public:
  explicit MaxPool1d(int64_t kernel_size, std::optional<int64_t> stride = {}, int64_t padding = 0)
      : pool_({1, kernel_size}, PerAxis{1, stride.value_or(kernel_size)}, {0, padding}) {}
  Tensor forward(const Tensor& x) const { return squeeze(pool_.forward(as_row("MaxPool1d", x)), 2); }
  void visit(Visitor&) override {}

 private:
  MaxPool2d pool_;
};

/// AvgPool2d of sequences.
class AvgPool1d : public Module<AvgPool1d> {
 public:
  explicit AvgPool1d(int64_t kernel_size, std::optional<int64_t> stride = {}, int64_t padding = 0)
      : pool_({1, kernel_size}, PerAxis{1, stride.value_or(kernel_size)}, {0, padding}) {}
  Tensor forward(const Tensor& x) const { return squeeze(pool_.forward(as_row("AvgPool1d", x)), 2); }
  void visit(Visitor&) override {}

 private:
  AvgPool2d pool_;
};

/// AdaptiveAvgPool2d of sequences.
class AdaptiveAvgPool1d : public Module<AdaptiveAvgPool1d> {
 public:
  explicit AdaptiveAvgPool1d(int64_t output_size) : pool_({1, output_size}) {}
  Tensor forward(const Tensor& x) const { return squeeze(pool_.forward(as_row("AdaptiveAvgPool1d", x)), 2); }
  void visit(Visitor&) override {}

 private:
  AdaptiveAvgPool2d pool_;
};

/// The size of the result: the size itself, or a factor by which each side is multiplied.
struct UpsampleOptions {
  PerAxis size = 0;  ///< 0: by the factor
  double scale_factor = 0;
  Interpolation mode = Interpolation::nearest;
};

/// Images at another size (see interpolate()).
class Upsample : public Module<Upsample> {
 public:
  /// ConfigError unless exactly one of size and scale_factor is given.
  explicit Upsample(const UpsampleOptions& options) : options_(options), by_factor_(options.scale_factor != 0) {
    const Shape size = options.size.resolve("Upsample", "size", 2);
    check<ConfigError>(by_factor_ ? size == Shape{0, 0} && options.scale_factor > 0 : size[0] > 0 && size[1] > 0,
                       "[Upsample] needs either a size or a scale_factor above 0, got ", size, " and ",
                       options.scale_factor);
  }
  /// ShapeError if a side times the factor is no whole number.
  Tensor forward(const Tensor& x) const {
    if (!by_factor_) return interpolate(x, options_.size, options_.mode);
    check<ShapeError>(x.rank() == 4, "[Upsample] needs x [B, C, H, W], got ", x.shape());
    const double height = double(x.size(2)) * options_.scale_factor, width = double(x.size(3)) * options_.scale_factor;
    check<ShapeError>(height == std::floor(height) && width == std::floor(width), "[Upsample] images of ",
                      Shape{x.size(2), x.size(3)}, " times ", options_.scale_factor,
                      " have no whole sides; give a size");
    return interpolate(x, {int64_t(height), int64_t(width)}, options_.mode);
  }
  void visit(Visitor&) override {}

 private:
  UpsampleOptions options_;
  bool by_factor_;
};

}  // namespace ditharos::nn
