#include <ditharos/autograd/ops/vision/pooling.h>

#include <algorithm>

#include <ditharos/autograd/node.h>
#include <ditharos/autograd/ops.h>
#include <ditharos/autograd/ops/detail/resampled.h>
#include <ditharos/autograd/ops/detail/spatial.h>
#include <ditharos/tensor/kernels/index/max_pool.h>

namespace ditharos {
namespace {

using kernels::Taps;
using kernels::WindowAxis;
using Stride = std::optional<PerAxis>;

/// The windows of a pooling, with a number for each spatial axis.
struct PoolWindow {
  Shape kernel, stride, padding, dilation;
  bool ceil_mode;
  Shape outputs = {};

  int axes() const { return kernel.rank(); }
  /// From the first to the last element of a window.
  int64_t extent(const char* op, int i) const {
    return checked_sum(op, {checked_product(op, {dilation[i], kernel[i] - 1}), 1});
  }
};

/// Resolves the numbers, checks that the windows fit x and counts them.
PoolWindow pool_window(const char* op, int axes, const Tensor& x, const PerAxis& kernel, const Stride& stride,
                       const PerAxis& padding, const PerAxis& dilation, bool ceil_mode) {
  PoolWindow w{kernel.resolve(op, "kernel", axes),
               {},
               padding.resolve(op, "padding", axes),
               dilation.resolve(op, "dilation", axes),
               ceil_mode};
  w.stride = stride ? stride->resolve(op, "stride", axes) : w.kernel;
  check<ShapeError>(x.rank() == axes + 2 || x.rank() == axes + 1, "[", op, "] needs ", spatial_layout(axes), ", got ",
                    x.shape());
  const Shape sizes = spatial_sizes(x.shape(), axes);
  for (int i = 0; i < axes; ++i) {
    const bool settings = w.kernel[i] >= 1 && w.stride[i] >= 1 && w.dilation[i] >= 1 && w.padding[i] >= 0 &&
                          w.padding[i] <= w.extent(op, i) / 2;
    check<ShapeError>(settings, "[", op, "] needs kernel, stride and dilation >= 1 and padding from 0 to half the ",
                      "window, got ", w.kernel, ", ", w.stride, ", ", w.dilation, " and ", w.padding);
    const int64_t room = checked_sum(op, {sizes[i], w.padding[i], w.padding[i]}) - w.extent(op, i);
    const bool fits = sizes[i] >= 1 && (room >= 0 || (ceil_mode && room > -w.stride[i]));
    check<ShapeError>(fits, "[", op, "] a window of ", w.kernel, " does not fit sides of ", sizes, " with padding ",
                      w.padding);
    int64_t count = room >= 0 ? room / w.stride[i] + 1 : 0;
    // One more for the rest, if it begins before the padding at the end.
    if (ceil_mode && (room < 0 || (room % w.stride[i] != 0 && count <= (sizes[i] + w.padding[i] - 1) / w.stride[i])))
      ++count;
    w.outputs.push_back(count);
  }
  return w;
}

/// The maxima of windows, which get the gradients of the windows that they are the maximum of.
ValuesAndIndices largest(const char* op, const Tensor& x, const std::vector<WindowAxis>& axes) {
  Tensor index;
  const Tensor y = kernels::max_pool(op, x, axes, &index);
  const int last = x.rank() - static_cast<int>(axes.size());
  // Shapes with the leading axes and the spatial ones merged: [volumes, elements].
  const auto merged = [last](const Shape& shape) {
    return Shape{numel(Shape(shape.begin(), shape.begin() + last)), numel(Shape(shape.begin() + last, shape.end()))};
  };
  const Shape windows = merged(y.shape()), elements = merged(x.shape());
  const Tensor out =
      record("max_pool", y, {x}, save_nothing, each([index = Saved(index), windows, elements](const Backward& d) {
               const Tensor positions = reshape(d.intermediate(index), windows);
               return reshape(scatter_add(reshape(d.grad(), windows), 1, positions, elements), d.input_shape(0));
             }),
             [&](const Tangents& d) {
               return reshape(gather(reshape(d[0], elements), 1, reshape(index, windows)), y.shape());
             });
  return {out, not_differentiable(op, index, {x})};
}

ValuesAndIndices max_windows(const char* op, int axes, const Tensor& x, const PerAxis& kernel, const Stride& stride,
                             const PerAxis& padding, const PerAxis& dilation, bool ceil_mode) {
  const PoolWindow w = pool_window(op, axes, x, kernel, stride, padding, dilation, ceil_mode);
  std::vector<WindowAxis> windows;
  for (int i = 0; i < axes; ++i) {
    const int64_t inputs = x.size(i - axes), step = w.dilation[i];
    WindowAxis axis{inputs, step, {}, {}};
    for (int64_t o = 0; o < w.outputs[i]; ++o) {
      const int64_t left = o * w.stride[i] - w.padding[i];
      axis.begin.push_back(left < 0 ? left + (step - 1 - left) / step * step : left);
      axis.end.push_back(std::min(left + w.extent(op, i), inputs));
      check<ShapeError>(axis.begin.back() < axis.end.back(), "[", op, "] window ", o, " along axis ", i - axes,
                        " of shape ", x.shape(), " has no element: the dilation ", step, " steps over all of them");
    }
    windows.push_back(std::move(axis));
  }
  return largest(op, x, windows);
}

ValuesAndIndices adaptive_max(const char* op, int axes, const Tensor& x, const PerAxis& size) {
  const Shape out = size.resolve(op, "size", axes);
  check_resizable(op, x, out, true);
  std::vector<WindowAxis> windows;
  for (int i = 0; i < axes; ++i) windows.push_back(WindowAxis::adaptive(x.size(i - axes), out[i]));
  return largest(op, x, windows);
}

Tensor adaptive_mean(const char* op, int axes, const Tensor& x, const PerAxis& size) {
  const Shape out = size.resolve(op, "size", axes);
  check_resizable(op, x, out, true);
  std::vector<Taps> taps;
  for (int i = 0; i < axes; ++i) taps.push_back(Taps::adaptive_average(x.size(i - axes), out[i]));
  return resampled(op, x, std::move(taps));
}

Tensor mean_windows(const char* op, int axes, const Tensor& x, const PerAxis& kernel, const Stride& stride,
                    const PerAxis& padding, bool ceil_mode, bool count_include_pad, std::optional<int64_t> divisor) {
  const PoolWindow w = pool_window(op, axes, x, kernel, stride, padding, 1, ceil_mode);
  check<ConfigError>(!divisor || *divisor != 0, "[", op, "] divisor_override must not be 0");
  std::vector<Taps> taps;
  for (int i = 0; i < axes; ++i) {
    const int64_t inputs = x.size(i - axes);
    std::vector<double> divisors;
    for (int64_t o = 0; o < w.outputs[i]; ++o) {
      const int64_t left = o * w.stride[i] - w.padding[i], right = left + w.kernel[i];
      const int64_t count = count_include_pad ? std::min(right, inputs + w.padding[i]) - left
                                              : std::min(right, inputs) - std::max<int64_t>(left, 0);
      // A divisor of the whole window is that of one axis.
      divisors.push_back(!divisor ? double(count) : i == 0 ? double(*divisor) : 1.0);
    }
    taps.push_back(Taps::windows(inputs, w.kernel[i], w.stride[i], w.padding[i], divisors));
  }
  return resampled(op, x, std::move(taps));
}

Tensor unpooled(const char* op, int axes, const Tensor& x, const Tensor& indices, const PerAxis& kernel,
                const Stride& stride, const PerAxis& padding, const std::optional<PerAxis>& output_size) {
  check_floating(op, x.dtype());
  check<ShapeError>((x.rank() == axes + 2 || x.rank() == axes + 1) && indices.shape() == x.shape(), "[", op, "] needs ",
                    spatial_layout(axes), " and indices of its shape, got ", x.shape(), " and ", indices.shape());
  check<DTypeError>(indices.dtype() == DType::i64, "[", op, "] the indices must be i64, got ", indices.dtype());
  const Shape k = kernel.resolve(op, "kernel", axes), s = stride ? stride->resolve(op, "stride", axes) : k,
              p = padding.resolve(op, "padding", axes);
  Shape size;
  for (int i = 0; i < axes; ++i)
    size.push_back(
        checked_sum(op, {checked_product(op, {x.size(i - axes) - 1, s[i]}), -checked_product(op, {2, p[i]}), k[i]}));
  if (output_size) {
    // The sizes that a pooling with this stride takes to that of x.
    const Shape wanted = output_size->resolve(op, "output_size", axes);
    for (int i = 0; i < axes; ++i)
      check<ShapeError>(wanted[i] > checked_sum(op, {size[i], -s[i]}) && wanted[i] < checked_sum(op, {size[i], s[i]}),
                        "[", op, "] output_size must differ from ", size, " by less than the stride ", s, ", got ",
                        wanted);
    size = wanted;
  }
  for (const int64_t side : size) check<ShapeError>(side >= 1, "[", op, "] a result of ", size, " has no element");
  const Shape out = with_spatial_sizes(op, x.shape(), size);
  if (x.numel() == 0) return expand(sum(x), out);  // zeros that depend on x
  const int64_t volumes = numel(Shape(out.begin(), out.end() - axes)), elements = numel(size);
  const int64_t windows = numel(spatial_sizes(x.shape(), axes));
  const Tensor nothing = zeros({volumes, elements}, x.dtype());
  return reshape(scatter(nothing, 1, reshape(indices, {volumes, windows}), reshape(x, {volumes, windows})), out);
}

}  // namespace

ValuesAndIndices max_pool1d_with_indices(const Tensor& x, const PerAxis& kernel, const std::optional<PerAxis>& stride,
                                         const PerAxis& padding, const PerAxis& dilation, bool ceil_mode) {
  return max_windows("max_pool1d_with_indices", 1, x, kernel, stride, padding, dilation, ceil_mode);
}

Tensor max_pool1d(const Tensor& x, const PerAxis& kernel, const std::optional<PerAxis>& stride, const PerAxis& padding,
                  const PerAxis& dilation, bool ceil_mode) {
  return max_windows("max_pool1d", 1, x, kernel, stride, padding, dilation, ceil_mode).values;
}

Tensor max_unpool1d(const Tensor& x, const Tensor& indices, const PerAxis& kernel, const std::optional<PerAxis>& stride,
                    const PerAxis& padding, const std::optional<PerAxis>& output_size) {
  return unpooled("max_unpool1d", 1, x, indices, kernel, stride, padding, output_size);
}

Tensor avg_pool1d(const Tensor& x, const PerAxis& kernel, const std::optional<PerAxis>& stride, const PerAxis& padding,
                  bool ceil_mode, bool count_include_pad) {
  return mean_windows("avg_pool1d", 1, x, kernel, stride, padding, ceil_mode, count_include_pad, {});
}

Tensor adaptive_avg_pool1d(const Tensor& x, const PerAxis& size) {
  return adaptive_mean("adaptive_avg_pool1d", 1, x, size);
}

ValuesAndIndices adaptive_max_pool1d_with_indices(const Tensor& x, const PerAxis& size) {
  return adaptive_max("adaptive_max_pool1d_with_indices", 1, x, size);
}

Tensor adaptive_max_pool1d(const Tensor& x, const PerAxis& size) {
  return adaptive_max("adaptive_max_pool1d", 1, x, size).values;
}

ValuesAndIndices max_pool2d_with_indices(const Tensor& x, const PerAxis& kernel, const std::optional<PerAxis>& stride,
                                         const PerAxis& padding, const PerAxis& dilation, bool ceil_mode) {
  return max_windows("max_pool2d_with_indices", 2, x, kernel, stride, padding, dilation, ceil_mode);
}

Tensor max_pool2d(const Tensor& x, const PerAxis& kernel, const std::optional<PerAxis>& stride, const PerAxis& padding,
                  const PerAxis& dilation, bool ceil_mode) {
  return max_windows("max_pool2d", 2, x, kernel, stride, padding, dilation, ceil_mode).values;
}

Tensor max_unpool2d(const Tensor& x, const Tensor& indices, const PerAxis& kernel, const std::optional<PerAxis>& stride,
                    const PerAxis& padding, const std::optional<PerAxis>& output_size) {
  return unpooled("max_unpool2d", 2, x, indices, kernel, stride, padding, output_size);
}

Tensor avg_pool2d(const Tensor& x, const PerAxis& kernel, const std::optional<PerAxis>& stride, const PerAxis& padding,
                  bool ceil_mode, bool count_include_pad, std::optional<int64_t> divisor_override) {
  return mean_windows("avg_pool2d", 2, x, kernel, stride, padding, ceil_mode, count_include_pad, divisor_override);
}

Tensor adaptive_avg_pool2d(const Tensor& x, const PerAxis& size) {
  return adaptive_mean("adaptive_avg_pool2d", 2, x, size);
}

ValuesAndIndices adaptive_max_pool2d_with_indices(const Tensor& x, const PerAxis& size) {
  return adaptive_max("adaptive_max_pool2d_with_indices", 2, x, size);
}

Tensor adaptive_max_pool2d(const Tensor& x, const PerAxis& size) {
  return adaptive_max("adaptive_max_pool2d", 2, x, size).values;
}

ValuesAndIndices max_pool3d_with_indices(const Tensor& x, const PerAxis& kernel, const std::optional<PerAxis>& stride,
                                         const PerAxis& padding, const PerAxis& dilation, bool ceil_mode) {
  return max_windows("max_pool3d_with_indices", 3, x, kernel, stride, padding, dilation, ceil_mode);
}

Tensor max_pool3d(const Tensor& x, const PerAxis& kernel, const std::optional<PerAxis>& stride, const PerAxis& padding,
                  const PerAxis& dilation, bool ceil_mode) {
  return max_windows("max_pool3d", 3, x, kernel, stride, padding, dilation, ceil_mode).values;
}

Tensor max_unpool3d(const Tensor& x, const Tensor& indices, const PerAxis& kernel, const std::optional<PerAxis>& stride,
                    const PerAxis& padding, const std::optional<PerAxis>& output_size) {
  return unpooled("max_unpool3d", 3, x, indices, kernel, stride, padding, output_size);
}

Tensor avg_pool3d(const Tensor& x, const PerAxis& kernel, const std::optional<PerAxis>& stride, const PerAxis& padding,
                  bool ceil_mode, bool count_include_pad, std::optional<int64_t> divisor_override) {
  return mean_windows("avg_pool3d", 3, x, kernel, stride, padding, ceil_mode, count_include_pad, divisor_override);
}

Tensor adaptive_avg_pool3d(const Tensor& x, const PerAxis& size) {
  return adaptive_mean("adaptive_avg_pool3d", 3, x, size);
}

ValuesAndIndices adaptive_max_pool3d_with_indices(const Tensor& x, const PerAxis& size) {
  return adaptive_max("adaptive_max_pool3d_with_indices", 3, x, size);
}

Tensor adaptive_max_pool3d(const Tensor& x, const PerAxis& size) {
  return adaptive_max("adaptive_max_pool3d", 3, x, size).values;
}

}  // namespace ditharos
