#include <ditharos/tensor/kernels/index/unfold.h>

#include <algorithm>

#include <ditharos/tensor/checked.h>
#include <ditharos/tensor/kernels/copy/copy.h>
#include <ditharos/tensor/kernels/loop_nest.h>

namespace ditharos::kernels {
namespace {

void check_window(const char* op, const Window& w, int64_t height, int64_t width) {
  check<ShapeError>(w.kernel >= 1 && w.stride >= 1 && w.padding >= 0, "[", op,
                    "] needs kernel >= 1, stride >= 1 and padding >= 0, got ", w.kernel, ", ", w.stride, " and ",
                    w.padding);
  static_cast<void>(checked_sum(op, {std::max(height, width), w.padding, w.padding}));  // as Window::out adds them
  check<ShapeError>(height + 2 * w.padding >= w.kernel && width + 2 * w.padding >= w.kernel, "[", op, "] a window of ",
                    w.kernel, " does not fit an image of ", height, " x ", width, " with padding ", w.padding);
}

/// The part of a window's side that lies inside the image: kernel positions [first, last) at image position
/// `origin`.
struct Inside {
  int64_t first, last;
  Inside(int64_t origin, int64_t kernel, int64_t size)
      : first(std::min(kernel, std::max<int64_t>(0, -origin))), last(std::max(first, std::min(kernel, size - origin))) {
  }
};

}  // namespace

Tensor unfold(const Tensor& x, const Window& window) {
  check<ShapeError>(x.rank() == 4, "[unfold] needs images [B, C, H, W], got ", x.shape());
  const int64_t batch = x.shape()[0], channels = x.shape()[1], height = x.shape()[2], width = x.shape()[3];
  check_window("unfold", window, height, width);
  const int64_t out_h = window.out(height), out_w = window.out(width), k = window.kernel;
  const int64_t columns = checked_product("unfold", {channels, k, k});
  const Tensor source = contiguous(x);
  Tensor out({batch, checked_product("unfold", {out_h, out_w}), columns}, x.dtype());
  if (out.numel() == 0) return out;
  visit_floating("unfold", x.dtype(), [&](auto zero) {
    using T = decltype(zero);
    const T* from = source.data<T>();
    T* to = out.mutable_data<T>();
    const int64_t grain = std::max<int64_t>(1, elementwise_grain / (out_w * columns));
    parallel_for(batch * out_h, grain, [&](int64_t begin, int64_t end) {
      for (int64_t line = begin; line < end; ++line) {
        const int64_t b = line / out_h, top = line % out_h * window.stride - window.padding;
        const Inside rows(top, k, height);
        for (int64_t ox = 0; ox < out_w; ++ox) {
          const int64_t left = ox * window.stride - window.padding;
          const Inside cells(left, k, width);
          T* row = to + (line * out_w + ox) * columns;
          if (cells.last - cells.first < k || rows.last - rows.first < k) std::fill_n(row, columns, T(0));
          for (int64_t c = 0; c < channels; ++c)
            for (int64_t ky = rows.first; ky < rows.last; ++ky) {
              const int64_t pixel = ((b * channels + c) * height + top + ky) * width + left;
              for (int64_t kx = cells.first; kx < cells.last; ++kx) row[(c * k + ky) * k + kx] = from[pixel + kx];
            }
        }
      }
    });
  });
  return out;
}

Tensor fold(const Tensor& columns, int64_t channels, int64_t height, int64_t width, const Window& window) {
  check_window("fold", window, height, width);
  const int64_t out_h = window.out(height), out_w = window.out(width), k = window.kernel;
  const int64_t positions = checked_product("fold", {out_h, out_w}), size = checked_product("fold", {channels, k, k});
  check<ShapeError>(columns.rank() == 3 && columns.shape()[1] == positions && columns.shape()[2] == size,
                    "[fold] needs columns [B, ", positions, ", ", size, "], got ", columns.shape());
  const int64_t batch = columns.shape()[0];
  const Tensor source = contiguous(columns);
  Tensor out({batch, channels, height, width}, columns.dtype());
  fill(out, 0);
  if (out.numel() == 0 || columns.numel() == 0) return out;
  visit_floating("fold", columns.dtype(), [&](auto zero) {
    using T = decltype(zero);
    const T* from = source.data<T>();
    T* to = out.mutable_data<T>();
    // An image's channel belongs to one thread, which adds the windows in order.
    const int64_t grain = std::max<int64_t>(1, elementwise_grain / (out_h * out_w * k * k));
    parallel_for(batch * channels, grain, [&](int64_t begin, int64_t end) {
      for (int64_t plane = begin; plane < end; ++plane) {
        const int64_t b = plane / channels, c = plane % channels;
        for (int64_t position = 0; position < out_h * out_w; ++position) {
          const int64_t top = position / out_w * window.stride - window.padding;
          const int64_t left = position % out_w * window.stride - window.padding;
          const Inside rows(top, k, height), cells(left, k, width);
          const T* column = from + (b * out_h * out_w + position) * size + c * k * k;
          for (int64_t ky = rows.first; ky < rows.last; ++ky) {
            const int64_t pixel = (plane * height + top + ky) * width + left;
            for (int64_t kx = cells.first; kx < cells.last; ++kx) to[pixel + kx] += column[ky * k + kx];
          }
        }
      }
    });
  });
  return out;
}

}  // namespace ditharos::kernels
