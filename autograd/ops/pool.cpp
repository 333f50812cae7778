// Pooling and interpolation of images.
#include <memory>

#include <ditharos/autograd/node.h>
#include <ditharos/autograd/ops.h>
#include <ditharos/tensor/checked.h>
#include <ditharos/tensor/kernels/index/resample.h>

namespace ditharos {
namespace {

using kernels::Taps;
using SharedTaps = std::shared_ptr<const Taps>;

/// y = R x C^T for every image, for given R and C and their transposes: the map is linear, so its adjoint is the same
/// map with R^T and C^T, to every order.
Tensor resampled(const char* op, const Tensor& x, const SharedTaps& rows, const SharedTaps& columns,
                 const SharedTaps& rows_back, const SharedTaps& columns_back) {
  return record("resample", kernels::resample(op, x, *rows, *columns), {x}, save_nothing, each([=](const Backward& d) {
                  return resampled("resample", d.grad(), rows_back, columns_back, rows, columns);
                }),
                [&](const Tangents& d) { return resampled(op, d[0], rows, columns, rows_back, columns_back); });
}

Tensor resampled(const char* op, const Tensor& x, Taps rows, Taps columns) {
  const auto share = [](Taps taps) { return std::make_shared<const Taps>(std::move(taps)); };
  const SharedTaps rows_back = share(rows.transposed()), columns_back = share(columns.transposed());
  return resampled(op, x, share(std::move(rows)), share(std::move(columns)), rows_back, columns_back);
}

struct Window {
  Shape kernel, stride, padding;
};

/// Checks that a window fits the images x [..., H, W] and that every window has a pixel in it.
Window window_of(const char* op, const Tensor& x, const PerAxis& kernel, const std::optional<PerAxis>& stride,
                 const PerAxis& padding) {
  Window w{kernel.resolve(op, "kernel", 2), {}, padding.resolve(op, "padding", 2)};
  w.stride = stride ? stride->resolve(op, "stride", 2) : w.kernel;
  check<ShapeError>(x.rank() == 4, "[", op, "] needs x [B, C, H, W], got ", x.shape());
  bool settings = true, fits = true;
  for (int i = 0; i < 2; ++i) {
    settings = settings && w.kernel[i] >= 1 && w.stride[i] >= 1 && w.padding[i] >= 0 && w.padding[i] <= w.kernel[i] / 2;
    fits = fits && settings && checked_sum(op, {x.size(2 + i), w.padding[i], w.padding[i]}) >= w.kernel[i] &&
           x.size(2 + i) >= 1;
  }
  check<ShapeError>(settings, "[", op, "] needs kernel >= 1, stride >= 1 and padding from 0 to half the kernel, got ",
                    w.kernel, ", ", w.stride, " and ", w.padding);
  check<ShapeError>(fits, "[", op, "] a window of ", w.kernel, " does not fit images of ", Shape{x.size(2), x.size(3)},
                    " with padding ", w.padding);
  return w;
}

void check_size(const char* op, const Tensor& x, const Shape& size) {
  check<ShapeError>(x.rank() == 4 && x.size(2) >= 1 && x.size(3) >= 1, "[", op,
                    "] needs x [B, C, H, W] with at least one pixel, got ", x.shape());
  check<ShapeError>(size[0] >= 1 && size[1] >= 1, "[", op, "] needs a size of at least 1 x 1, got ", size);
  // ShapeError before memory is allocated for the table.
  static_cast<void>(numel({x.size(0), x.size(1), size[0], size[1]}));
  for (int i = 0; i < 2; ++i) static_cast<void>(checked_product(op, {checked_sum(op, {size[i], 1}), x.size(2 + i)}));
}

}  // namespace

Tensor max_pool2d(const Tensor& x, const PerAxis& kernel, const std::optional<PerAxis>& stride,
                  const PerAxis& padding) {
  const Window w = window_of("max_pool2d", x, kernel, stride, padding);
  Tensor index;  // [B, C, H', W']: the pixel in its plane that each window took
  const Tensor y = kernels::max_pool2d(x, w.kernel, w.stride, w.padding, &index);
  const Shape windows{y.size(0), y.size(1), y.size(2) * y.size(3)};
  // That pixel gets the gradient of every window that took it.
  return record("max_pool2d", y, {x}, save_nothing, each([index = Saved(index), windows](const Backward& d) {
                  const Shape& in = d.input_shape(0);
                  const Shape planes{in[0], in[1], in[2] * in[3]};
                  const Tensor positions = reshape(d.intermediate(index), windows);
                  return reshape(scatter_add(reshape(d.grad(), windows), 2, positions, planes), in);
                }),
                [&](const Tangents& d) {
                  const Tensor planes = reshape(d[0], {x.size(0), x.size(1), x.size(2) * x.size(3)});
                  return reshape(gather(planes, 2, reshape(index, windows)), y.shape());
                });
}

Tensor avg_pool2d(const Tensor& x, const PerAxis& kernel, const std::optional<PerAxis>& stride,
                  const PerAxis& padding) {
  const Window w = window_of("avg_pool2d", x, kernel, stride, padding);
  return resampled("avg_pool2d", x, Taps::average(x.size(2), w.kernel[0], w.stride[0], w.padding[0]),
                   Taps::average(x.size(3), w.kernel[1], w.stride[1], w.padding[1]));
}

Tensor adaptive_avg_pool2d(const Tensor& x, const PerAxis& size) {
  const Shape out = size.resolve("adaptive_avg_pool2d", "size", 2);
  check_size("adaptive_avg_pool2d", x, out);
  return resampled("adaptive_avg_pool2d", x, Taps::adaptive_average(x.size(2), out[0]),
                   Taps::adaptive_average(x.size(3), out[1]));
}

Tensor interpolate(const Tensor& x, const PerAxis& size, Interpolation mode) {
  const Shape out = size.resolve("interpolate", "size", 2);
  check_size("interpolate", x, out);
  const auto taps = mode == Interpolation::nearest ? &Taps::nearest : &Taps::linear;
  return resampled("interpolate", x, taps(x.size(2), out[0]), taps(x.size(3), out[1]));
}

}  // namespace ditharos
