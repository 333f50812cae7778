#include <ditharos/tensor/kernels/index/max_pool.h>

#include <algorithm>
#include <array>

#include <ditharos/tensor/kernels/copy/copy.h>
#include <ditharos/tensor/parallel.h>

namespace ditharos::kernels {
namespace {

constexpr int64_t pool_grain = 16384;  // least elements per thread

using Axes3 = std::array<WindowAxis, 3>;

/// One volume [D, H, W]; images and lines have sizes of 1 in front.
template <class T>
void pool_volume(const Axes3& axes, const T* from, T* to, int64_t* position) {
  const auto& [depth, height, width] = axes;
  const int64_t step_y = height.step, step_x = width.step, row = width.inputs, plane = height.inputs * row;
  const int64_t *left = width.begin.data(), *right = width.end.data();
  for (size_t d = 0; d < depth.begin.size(); ++d)
    for (size_t h = 0; h < height.begin.size(); ++h)
      for (size_t w = 0; w < width.begin.size(); ++w) {
        int64_t best = depth.begin[d] * plane + height.begin[h] * row + left[w];
        T most = from[best];
        for (int64_t z = depth.begin[d]; z < depth.end[d]; z += depth.step)
          for (int64_t y = height.begin[h]; y < height.end[h]; y += step_y) {
            const int64_t line = z * plane + y * row;
            for (int64_t x = left[w]; x < right[w]; x += step_x) {
              const T value = from[line + x];
              // Larger, or NaN in place of a number; without branches, since which element wins is as good as random.
              const bool better = !(value <= most) & (most == most);
              most = better ? value : most;
              best = better ? line + x : best;
            }
          }
        *to++ = most;
        *position++ = best;
      }
}

}  // namespace

WindowAxis WindowAxis::adaptive(int64_t inputs, int64_t outputs) {
  WindowAxis axis{inputs, 1, {}, {}};
  axis.begin.reserve(size_t(outputs));
  axis.end.reserve(size_t(outputs));
  for (int64_t o = 0; o < outputs; ++o) {
    axis.begin.push_back(o * inputs / outputs);
    axis.end.push_back(((o + 1) * inputs + outputs - 1) / outputs);
  }
  return axis;
}

Tensor max_pool(const char* op, const Tensor& x, const std::vector<WindowAxis>& axes, Tensor* index) {
  Axes3 all;
  std::copy(axes.begin(), axes.end(), all.end() - static_cast<std::ptrdiff_t>(axes.size()));
  Shape shape = x.shape();
  int64_t windows = 1, elements = 1;
  for (size_t i = 0; i < axes.size(); ++i) {
    shape[x.rank() - int(axes.size() - i)] = axes[i].outputs();
    windows *= axes[i].outputs();
    elements *= axes[i].inputs;
  }
  return visit_floating(op, x.dtype(), [&](auto zero) {
    using T = decltype(zero);
    const Tensor in = contiguous(x), out(shape, x.dtype()), positions(shape, DType::i64);
    if (index) *index = positions;
    if (out.numel() == 0) return out;
    const T* from = in.data<T>();
    T* to = out.mutable_data<T>();
    int64_t* position = positions.mutable_data<int64_t>();
    parallel_for(out.numel() / windows, 1 + pool_grain / (windows * 4), [&](int64_t begin, int64_t end) {
      for (int64_t volume = begin; volume < end; ++volume)
        pool_volume(all, from + volume * elements, to + volume * windows, position + volume * windows);
    });
    return out;
  });
}

}  // namespace ditharos::kernels
