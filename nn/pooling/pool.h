#pragma once
// Pooling and resizing as modules, of sequences x [B, C, L], images x [B, C, H, W] and volumes x [B, C, D, H, W]; the
// functions of their names (autograd/ops/vision/) say more.
#include <initializer_list>
#include <optional>

#include <ditharos/autograd/ops.h>
#include <ditharos/nn/module.h>

namespace ditharos::nn {

/// The common base of the maxima. `f` and `g`: the function without and with indices.
template <class Self, auto f, auto g>
class MaxPoolModule : public Module<Self> {
 public:
  /// Without a stride, windows do not overlap; padding counts as minus infinity.
  explicit MaxPoolModule(const PerAxis& kernel_size, const std::optional<PerAxis>& stride = {},
                         const PerAxis& padding = 0, const PerAxis& dilation = 1, bool ceil_mode = false)
      : kernel_(kernel_size), stride_(stride), padding_(padding), dilation_(dilation), ceil_mode_(ceil_mode) {}
  /// A size for each axis.
  explicit MaxPoolModule(std::initializer_list<int64_t> kernel_size) : MaxPoolModule(PerAxis(kernel_size)) {}

  Tensor forward(const Tensor& x) const { return f(x, kernel_, stride_, padding_, dilation_, ceil_mode_); }
  /// Also the positions of the maxima (return_indices=True).
  ValuesAndIndices with_indices(const Tensor& x) const {
    return g(x, kernel_, stride_, padding_, dilation_, ceil_mode_);
  }
  void visit(Visitor&) override {}

 private:
  PerAxis kernel_;
  std::optional<PerAxis> stride_;
  PerAxis padding_, dilation_;
  bool ceil_mode_;
};

class MaxPool1d : public MaxPoolModule<MaxPool1d, max_pool1d, max_pool1d_with_indices> {
 public:
  using MaxPoolModule::MaxPoolModule;
};
class MaxPool2d : public MaxPoolModule<MaxPool2d, max_pool2d, max_pool2d_with_indices> {
 public:
  using MaxPoolModule::MaxPoolModule;
};
class MaxPool3d : public MaxPoolModule<MaxPool3d, max_pool3d, max_pool3d_with_indices> {
 public:
  using MaxPoolModule::MaxPoolModule;
};

/// The common base of the inverses of max pooling, which put maxima back among zeros.
template <class Self, auto f>
class MaxUnpoolModule : public Module<Self> {
 public:
  explicit MaxUnpoolModule(const PerAxis& kernel_size, const std::optional<PerAxis>& stride = {},
                           const PerAxis& padding = 0)
      : kernel_(kernel_size), stride_(stride), padding_(padding) {}
  /// `output_size`: a number for each spatial axis.
  Tensor forward(const Tensor& x, const Tensor& indices, const std::optional<PerAxis>& output_size = {}) const {
    return f(x, indices, kernel_, stride_, padding_, output_size);
  }
  void visit(Visitor&) override {}

 private:
  PerAxis kernel_;
  std::optional<PerAxis> stride_;
  PerAxis padding_;
};

class MaxUnpool1d : public MaxUnpoolModule<MaxUnpool1d, max_unpool1d> {
 public:
  using MaxUnpoolModule::MaxUnpoolModule;
};
class MaxUnpool2d : public MaxUnpoolModule<MaxUnpool2d, max_unpool2d> {
 public:
  using MaxUnpoolModule::MaxUnpoolModule;
};
class MaxUnpool3d : public MaxUnpoolModule<MaxUnpool3d, max_unpool3d> {
 public:
  using MaxUnpoolModule::MaxUnpoolModule;
};

/// The common base of the means over windows.
template <class Self, auto f>
class AvgPoolModule : public Module<Self> {
 public:
  /// Without a stride, windows do not overlap; padding counts as zeros unless count_include_pad is false.
  explicit AvgPoolModule(const PerAxis& kernel_size, const std::optional<PerAxis>& stride = {},
                         const PerAxis& padding = 0, bool ceil_mode = false, bool count_include_pad = true,
                         std::optional<int64_t> divisor_override = {})
      : kernel_(kernel_size), stride_(stride), padding_(padding), ceil_mode_(ceil_mode),
        count_include_pad_(count_include_pad), divisor_(divisor_override) {
    check<ConfigError>(takes_divisor || !divisor_, "[AvgPool1d] takes no divisor_override");
  }
  /// A size for each axis.
  explicit AvgPoolModule(std::initializer_list<int64_t> kernel_size) : AvgPoolModule(PerAxis(kernel_size)) {}

  Tensor forward(const Tensor& x) const {
    if constexpr (takes_divisor) return f(x, kernel_, stride_, padding_, ceil_mode_, count_include_pad_, divisor_);
    else return f(x, kernel_, stride_, padding_, ceil_mode_, count_include_pad_);
  }
  void visit(Visitor&) override {}

 private:
  static constexpr bool takes_divisor =
      std::is_invocable_v<decltype(f), const Tensor&, const PerAxis&, const std::optional<PerAxis>&, const PerAxis&,
                          bool, bool, const std::optional<int64_t>&>;
  PerAxis kernel_;
  std::optional<PerAxis> stride_;
  PerAxis padding_;
  bool ceil_mode_, count_include_pad_;
  std::optional<int64_t> divisor_;
};

class AvgPool1d : public AvgPoolModule<AvgPool1d, avg_pool1d> {
 public:
  using AvgPoolModule::AvgPoolModule;
};
class AvgPool2d : public AvgPoolModule<AvgPool2d, avg_pool2d> {
 public:
  using AvgPoolModule::AvgPoolModule;
};
class AvgPool3d : public AvgPoolModule<AvgPool3d, avg_pool3d> {
 public:
  using AvgPoolModule::AvgPoolModule;
};

/// The common base of poolings over windows that cover the input evenly, `output_size` of them along each axis.
template <class Self, auto f>
class AdaptivePoolModule : public Module<Self> {
 public:
  explicit AdaptivePoolModule(const PerAxis& output_size) : size_(output_size) {}
  /// A size for each axis.
  explicit AdaptivePoolModule(std::initializer_list<int64_t> output_size) : size_(output_size) {}
  Tensor forward(const Tensor& x) const { return f(x, size_); }
  void visit(Visitor&) override {}

 protected:
  const PerAxis& output_size() const { return size_; }

 private:
  PerAxis size_;
};

/// The means of such windows.
class AdaptiveAvgPool1d : public AdaptivePoolModule<AdaptiveAvgPool1d, adaptive_avg_pool1d> {
 public:
  using AdaptivePoolModule::AdaptivePoolModule;
};
class AdaptiveAvgPool2d : public AdaptivePoolModule<AdaptiveAvgPool2d, adaptive_avg_pool2d> {
 public:
  using AdaptivePoolModule::AdaptivePoolModule;
};
class AdaptiveAvgPool3d : public AdaptivePoolModule<AdaptiveAvgPool3d, adaptive_avg_pool3d> {
 public:
  using AdaptivePoolModule::AdaptivePoolModule;
};

/// Their maxima.
class AdaptiveMaxPool1d : public AdaptivePoolModule<AdaptiveMaxPool1d, adaptive_max_pool1d> {
 public:
  using AdaptivePoolModule::AdaptivePoolModule;
  ValuesAndIndices with_indices(const Tensor& x) const { return adaptive_max_pool1d_with_indices(x, output_size()); }
};
class AdaptiveMaxPool2d : public AdaptivePoolModule<AdaptiveMaxPool2d, adaptive_max_pool2d> {
 public:
  using AdaptivePoolModule::AdaptivePoolModule;
  ValuesAndIndices with_indices(const Tensor& x) const { return adaptive_max_pool2d_with_indices(x, output_size()); }
};
class AdaptiveMaxPool3d : public AdaptivePoolModule<AdaptiveMaxPool3d, adaptive_max_pool3d> {
 public:
  using AdaptivePoolModule::AdaptivePoolModule;
  ValuesAndIndices with_indices(const Tensor& x) const { return adaptive_max_pool3d_with_indices(x, output_size()); }
};

using UpsampleOptions = InterpolateOptions;

/// interpolate() as a module.
class Upsample : public Module<Upsample> {
 public:
  /// ConfigError unless exactly one of size and scale_factor is given.
  explicit Upsample(const UpsampleOptions& options) : options_(options) {
    const bool by_factor = options.scale_factor.values() != std::vector<double>{0.0};
    const bool by_size = !options.size.is(0);
    check<ConfigError>(by_factor != by_size, "[Upsample] needs either a size or a scale_factor, got ",
                       by_size ? "both" : "none");
  }
  Tensor forward(const Tensor& x) const { return interpolate(x, options_); }
  void visit(Visitor&) override {}

 private:
  UpsampleOptions options_;
};

}  // namespace ditharos::nn
