#include <ditharos/tensor/kernels/index/unfold.h>

#include <algorithm>
#include <vector>

#include <ditharos/tensor/checked.h>
#include <ditharos/tensor/kernels/copy/copy.h>
#include <ditharos/tensor/kernels/loop_nest.h>

namespace ditharos::kernels {
namespace {

void check_window(const char* op, const Window& w, int64_t height, int64_t width) {
  for (int i = 0; i < 2; ++i) {
    check<ShapeError>(w.kernel[i] >= 1 && w.stride[i] >= 1 && w.dilation[i] >= 1 && w.padding[i] >= 0, "[", op,
                      "] needs kernel, stride and dilation >= 1 and padding >= 0, got ", w.kernel, ", ", w.stride, ", ",
                      w.dilation, " and ", w.padding);
    // As Window::out adds them.
    const int64_t room = checked_sum(op, {i == 0 ? height : width, w.padding[i], w.padding[i]});
    const int64_t extent = checked_sum(op, {checked_product(op, {w.dilation[i], w.kernel[i] - 1}), 1});
    check<ShapeError>(room >= extent, "[", op, "] a window of ", w.kernel, " does not fit an image of ", height, " x ",
                      width, " with padding ", w.padding, " and dilation ", w.dilation);
  }
  static_cast<void>(checked_product(op, {w.kernel[0], w.kernel[1]}));
}

/// The part of a window's side that lies inside the image: kernel positions [first, last), `step` elements apart, of a
/// window that begins at image position `origin`.
struct Inside {
  int64_t first, last;
  Inside(int64_t origin, int64_t kernel, int64_t step, int64_t size)
      : first(std::min(kernel, origin < 0 ? (step - 1 - origin) / step : 0)),
        last(std::max(first, std::min(kernel, size > origin ? (size - origin - 1) / step + 1 : 0))) {}
};

/// The inner parts of all windows along an axis (0: rows) of `size` elements.
std::vector<Inside> inner_parts(const Window& w, int axis, int64_t size) {
  std::vector<Inside> parts;
  for (int64_t o = 0; o < w.out(axis, size); ++o)
    parts.emplace_back(o * w.stride[axis] - w.padding[axis], w.kernel[axis], w.dilation[axis], size);
  return parts;
}

/// f(0), f(1), ... for kernel positions [first, last) with the distance of their pixels as a constant where it is 1.
template <class F>
void each_step(const Inside& part, int64_t step, const F& f) {
  if (step == 1)
    for (int64_t k = part.first; k < part.last; ++k) f(k, k);
  else
    for (int64_t k = part.first; k < part.last; ++k) f(k, k * step);
}

}  // namespace

Tensor unfold(const Tensor& x, const Window& window) {
  check<ShapeError>(x.rank() == 4, "[unfold] needs images [B, C, H, W], got ", x.shape());
  const int64_t batch = x.shape()[0], channels = x.shape()[1], height = x.shape()[2], width = x.shape()[3];
  check_window("unfold", window, height, width);
  const int64_t out_h = window.out(0, height), out_w = window.out(1, width), area = window.area();
  const int64_t high = window.kernel[0], wide = window.kernel[1], down = window.dilation[0],
                across = window.dilation[1];
  const int64_t columns = checked_product("unfold", {channels, area});
  const Tensor source = contiguous(x);
  Tensor out({batch, checked_product("unfold", {out_h, out_w}), columns}, x.dtype());
  if (out.numel() == 0) return out;
  const std::vector<Inside> all_rows = inner_parts(window, 0, height), all_cells = inner_parts(window, 1, width);
  visit_floating("unfold", x.dtype(), [&](auto zero) {
    using T = decltype(zero);
    const T* from = source.data<T>();
    T* to = out.mutable_data<T>();
    const int64_t grain = std::max<int64_t>(1, elementwise_grain / (out_w * columns));
    parallel_for(batch * out_h, grain, [&](int64_t begin, int64_t end) {
      for (int64_t line = begin; line < end; ++line) {
        const int64_t b = line / out_h, top = line % out_h * window.stride[0] - window.padding[0];
        const Inside& rows = all_rows[size_t(line % out_h)];
        for (int64_t ox = 0; ox < out_w; ++ox) {
          const int64_t left = ox * window.stride[1] - window.padding[1];
          const Inside& cells = all_cells[size_t(ox)];
          T* row = to + (line * out_w + ox) * columns;
          if (cells.last - cells.first < wide || rows.last - rows.first < high) std::fill_n(row, columns, T(0));
          for (int64_t c = 0; c < channels; ++c)
            for (int64_t ky = rows.first; ky < rows.last; ++ky) {
              const int64_t pixel = ((b * channels + c) * height + top + ky * down) * width + left;
              T* cell = row + (c * high + ky) * wide;
              each_step(cells, across, [&](int64_t kx, int64_t at) { cell[kx] = from[pixel + at]; });
            }
        }
      }
    });
  });
  return out;
}

Tensor fold(const Tensor& columns, int64_t channels, int64_t height, int64_t width, const Window& window) {
  check_window("fold", window, height, width);
  const int64_t out_h = window.out(0, height), out_w = window.out(1, width), area = window.area();
  const int64_t wide = window.kernel[1], down = window.dilation[0], across = window.dilation[1];
  const int64_t positions = checked_product("fold", {out_h, out_w}), size = checked_product("fold", {channels, area});
  check<ShapeError>(columns.rank() == 3 && columns.shape()[1] == positions && columns.shape()[2] == size,
                    "[fold] needs columns [B, ", positions, ", ", size, "], got ", columns.shape());
  const int64_t batch = columns.shape()[0];
  const Tensor source = contiguous(columns);
  Tensor out({batch, channels, height, width}, columns.dtype());
  fill(out, 0);
  if (out.numel() == 0 || columns.numel() == 0) return out;
  const std::vector<Inside> all_rows = inner_parts(window, 0, height), all_cells = inner_parts(window, 1, width);
  visit_floating("fold", columns.dtype(), [&](auto zero) {
    using T = decltype(zero);
    const T* from = source.data<T>();
    T* to = out.mutable_data<T>();
    // An image's channel belongs to one thread, which adds the windows in order.
    const int64_t grain = std::max<int64_t>(1, elementwise_grain / (out_h * out_w * area));
    parallel_for(batch * channels, grain, [&](int64_t begin, int64_t end) {
      for (int64_t plane = begin; plane < end; ++plane) {
        const int64_t b = plane / channels, c = plane % channels;
        for (int64_t oy = 0; oy < out_h; ++oy)
          for (int64_t ox = 0; ox < out_w; ++ox) {
            const int64_t top = oy * window.stride[0] - window.padding[0];
            const int64_t left = ox * window.stride[1] - window.padding[1];
            const Inside &rows = all_rows[size_t(oy)], &cells = all_cells[size_t(ox)];
            const T* column = from + ((b * out_h + oy) * out_w + ox) * size + c * area;
            for (int64_t ky = rows.first; ky < rows.last; ++ky) {
              const int64_t pixel = (plane * height + top + ky * down) * width + left;
              const T* cell = column + ky * wide;
              each_step(cells, across, [&](int64_t kx, int64_t at) { to[pixel + at] += cell[kx]; });
            }
          }
      }
    });
  });
  return out;
}

}  // namespace ditharos::kernels
