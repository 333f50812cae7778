#pragma once
#include <string_view>
#include <utility>
#include <vector>

#include <ditharos/autograd/ops.h>
#include <ditharos/nn/init.h>
#include <ditharos/nn/module.h>

namespace ditharos::nn {

/// How weight and bias start.
enum class ConvInit {
  kaiming_normal,  ///< weight N(0, 2 / fan_in), for a ReLU after it; bias zero
  fan_in_uniform,  ///< both uniform in +-1 / sqrt(fan_in), as PyTorch's layers start
};

/// The geometry of a convolution. Each number holds for all spatial axes, unless there is one for each axis.
struct ConvOptions {
  PerAxis stride = 1;
  ConvPadding padding = 0;  ///< or "same", "valid"
  PerAxis dilation = 1;
  int64_t groups = 1;
  bool bias = true;
  PadMode padding_mode = PadMode::zeros;  ///< what the padding consists of; transposed convolutions have zeros alone
  PerAxis output_padding = 0;             ///< of transposed convolutions alone
  ConvInit init = ConvInit::kaiming_normal;
};

/// The common base of convolutions, with weight and bias [out].
template <class Self>
class ConvModule : public Module<Self> {
 public:
  void visit(Visitor& v) override {
    v("weight", weight);
    v("bias", bias);
  }

  Parameter weight, bias;

 protected:
  ConvModule() = default;
  /// `axes` spatial axes; weight [rows, columns / groups, kernel...].
  ConvModule(const char* op, int axes, int64_t rows, int64_t columns, int64_t out, const PerAxis& kernel,
             const ConvOptions& options, Generator& rng)
      : options_(options) {
    check<ShapeError>(options.groups >= 1 && rows % options.groups == 0 && columns % options.groups == 0, "[", op, "] ",
                      rows, " and ", columns, " channels do not divide into ", options.groups, " groups");
    const bool transposed = std::string_view(op).starts_with("ConvTranspose");
    check<ConfigError>(!transposed || (options.padding_mode == PadMode::zeros && !options.padding.same()), "[", op,
                       "] needs padding of zeros, in numbers");
    check<ShapeError>(!options.padding.same() || options.stride.is(1) ||
                          options.stride.resolve(op, "stride", axes) == Shape::filled(axes, 1),
                      "[", op, "] padding \"same\" needs a stride of 1, got ",
                      options.stride.resolve(op, "stride", axes));
    Shape shape{rows, columns / options.groups};
    for (int64_t side : kernel.resolve(op, "kernel", axes)) shape.push_back(side);
    const bool uniform = options.init == ConvInit::fan_in_uniform;
    weight = Parameter(uniform ? init::fan_in_uniform(shape, shape, rng) : init::kaiming_normal(shape, rng));
    if (options.bias) bias = Parameter(uniform ? init::fan_in_uniform({out}, shape, rng) : zeros({out}));
  }
  const ConvOptions& options() const { return options_; }
  /// x as the convolution reads it, and the padding that is left to it: padding other than zeros is put on here.
  std::pair<Tensor, ConvPadding> padded(const char* op, const Tensor& x) const {
    if (options_.padding_mode == PadMode::zeros) return {x, options_.padding};
    const int axes = weight.rank() - 2;
    const Shape kernel(weight.shape().begin() + 2, weight.shape().end());
    const Shape total = options_.padding.total(op, kernel, options_.dilation.resolve(op, "dilation", axes));
    std::vector<int64_t> sides;
    for (int i = axes - 1; i >= 0; --i) sides.push_back(total[i] / 2), sides.push_back(total[i] - total[i] / 2);
    return {pad(x, sides, options_.padding_mode), 0};
  }

 private:
  ConvOptions options_;
};

/// x [B, in, L] -> [B, out, L'] with L' = (L + 2 padding - dilation (kernel - 1) - 1) / stride + 1.
class Conv1d : public ConvModule<Conv1d> {
 public:
  Conv1d() = default;
  Conv1d(int64_t in, int64_t out, const PerAxis& kernel, const ConvOptions& options = {},
         Generator& rng = default_generator())
      : ConvModule("Conv1d", 1, out, in, out, kernel, options, rng) {}
  Tensor forward(const Tensor& x) const {
    check_has_weight("conv1d", "nn::Conv1d", weight);
    const ConvOptions& o = options();
    const auto [in, padding] = padded("conv1d", x);
    return conv1d(in, weight, bias, o.stride, padding, o.dilation, o.groups);
  }
};

/// x [B, in, H, W] -> [B, out, H', W'], sides as above. weight [out, in / groups, kernel, kernel].
class Conv2d : public ConvModule<Conv2d> {
 public:
  Conv2d() = default;
  Conv2d(int64_t in, int64_t out, const PerAxis& kernel, const ConvOptions& options = {},
         Generator& rng = default_generator())
      : ConvModule("Conv2d", 2, out, in, out, kernel, options, rng) {}
  Conv2d(int64_t in, int64_t out, int64_t kernel, int64_t stride, int64_t padding, Generator& rng = default_generator())
      : Conv2d(in, out, kernel, {.stride = stride, .padding = padding}, rng) {}
  Tensor forward(const Tensor& x) const {
    check_has_weight("conv2d", "nn::Conv2d", weight);
    const ConvOptions& o = options();
    const auto [in, padding] = padded("conv2d", x);
    return conv2d(in, weight, bias, o.stride, padding, o.dilation, o.groups);
  }
};

/// x [B, in, D, H, W] -> [B, out, D', H', W'].
class Conv3d : public ConvModule<Conv3d> {
 public:
  Conv3d() = default;
  Conv3d(int64_t in, int64_t out, const PerAxis& kernel, const ConvOptions& options = {},
         Generator& rng = default_generator())
      : ConvModule("Conv3d", 3, out, in, out, kernel, options, rng) {}
  Tensor forward(const Tensor& x) const {
    check_has_weight("conv3d", "nn::Conv3d", weight);
    const ConvOptions& o = options();
    const auto [in, padding] = padded("conv3d", x);
    return conv3d(in, weight, bias, o.stride, padding, o.dilation, o.groups);
  }
};

/// x [B, in, L] -> [B, out, L'] with L' = (L - 1) stride - 2 padding + dilation (kernel - 1) + 1 + output_padding.
/// weight [in, out / groups, kernel].
class ConvTranspose1d : public ConvModule<ConvTranspose1d> {
 public:
  ConvTranspose1d() = default;
  ConvTranspose1d(int64_t in, int64_t out, const PerAxis& kernel, const ConvOptions& options = {},
                  Generator& rng = default_generator())
      : ConvModule("ConvTranspose1d", 1, in, out, out, kernel, options, rng) {}
  Tensor forward(const Tensor& x) const {
    check_has_weight("conv_transpose1d", "nn::ConvTranspose1d", weight);
    const ConvOptions& o = options();
    return conv_transpose1d(x, weight, bias, o.stride, o.padding, o.output_padding, o.groups, o.dilation);
  }
};

/// x [B, in, H, W] -> [B, out, H', W'], sides as above. weight [in, out / groups, kernel, kernel].
class ConvTranspose2d : public ConvModule<ConvTranspose2d> {
 public:
  ConvTranspose2d() = default;
  ConvTranspose2d(int64_t in, int64_t out, const PerAxis& kernel, const ConvOptions& options = {},
                  Generator& rng = default_generator())
      : ConvModule("ConvTranspose2d", 2, in, out, out, kernel, options, rng) {}
  Tensor forward(const Tensor& x) const {
    check_has_weight("conv_transpose2d", "nn::ConvTranspose2d", weight);
    const ConvOptions& o = options();
    return conv_transpose2d(x, weight, bias, o.stride, o.padding, o.output_padding, o.groups, o.dilation);
  }
};

/// x [B, in, D, H, W] -> [B, out, D', H', W'].
class ConvTranspose3d : public ConvModule<ConvTranspose3d> {
 public:
  ConvTranspose3d() = default;
  ConvTranspose3d(int64_t in, int64_t out, const PerAxis& kernel, const ConvOptions& options = {},
                  Generator& rng = default_generator())
      : ConvModule("ConvTranspose3d", 3, in, out, out, kernel, options, rng) {}
  Tensor forward(const Tensor& x) const {
    check_has_weight("conv_transpose3d", "nn::ConvTranspose3d", weight);
    const ConvOptions& o = options();
    return conv_transpose3d(x, weight, bias, o.stride, o.padding, o.output_padding, o.groups, o.dilation);
  }
};

}  // namespace ditharos::nn
