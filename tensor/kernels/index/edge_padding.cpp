#include <ditharos/tensor/kernels/index/edge_padding.h>

#include <algorithm>
#include <cstring>

#include <ditharos/tensor/kernels/copy/copy.h>
#include <ditharos/tensor/kernels/dispatch.h>
#include <ditharos/tensor/kernels/loop_nest.h>
#include <ditharos/tensor/kernels/workspace.h>

namespace ditharos::kernels {
namespace {

int64_t repeated_element(Edge edge, int64_t size, int64_t i) {
  if (i >= 0 && i < size) return i;
  switch (edge) {
    case Edge::reflect: return i < 0 ? -i : 2 * (size - 1) - i;
    case Edge::circular: return i < 0 ? i + size : i - size;
    case Edge::replicate: break;
  }
  return i < 0 ? 0 : size - 1;
}

/// Counts rows: the last of `sizes` runs fastest.
struct RowCounter {
  int64_t at[Shape::max_rank] = {}, sizes[Shape::max_rank] = {};
  size_t count = 0;

  void begin_at(int64_t row) {
    for (size_t i = count; i-- > 0; row /= sizes[i]) at[i] = row % sizes[i];
  }
  void advance() {
    for (size_t i = count; i-- > 0; at[i] = 0)
      if (++at[i] < sizes[i]) return;
  }
};

}  // namespace

EdgePadding::Axis EdgePadding::make_axis(Edge edge, int64_t size, int64_t before, int64_t after) {
  Axis axis;
  axis.size = size, axis.padded = size + before + after;
  axis.shift = before;
  axis.first = std::max<int64_t>(-before, 0), axis.last = std::max(size + std::min<int64_t>(after, 0), axis.first);
  axis.begin.assign(size_t(size) + 1, 0);
  for (int64_t i = -before; i < size + after; ++i) axis.from.push_back(repeated_element(edge, size, i));
  for (const int64_t i : axis.from) ++axis.begin[size_t(i) + 1];
  for (size_t i = 0; i < size_t(size); ++i) axis.begin[i + 1] += axis.begin[i];
  axis.repeated.resize(axis.from.size());
  std::vector<int64_t> next = axis.begin;
  for (size_t i = 0; i < axis.from.size(); ++i) axis.repeated[size_t(next[size_t(axis.from[i])]++)] = int64_t(i);
  return axis;
}

EdgePadding::EdgePadding(Edge edge, const Shape& shape, const Shape& before, const Shape& after)
    : shape_(shape), padded_(shape) {
  Axis same;  // the axes since the last padded one
  for (int i = 0; i < shape.rank(); ++i) {
    if (before[i] == 0 && after[i] == 0) {
      same.size *= shape[i];
      continue;
    }
    padded_[i] += before[i] + after[i];
    same.padded = same.size;
    if (same.size != 1) axes_.push_back(same);
    axes_.push_back(make_axis(edge, shape[i], before[i], after[i]));
    same = {};
  }
  inner_ = same.size;
}

Tensor EdgePadding::pad(const Tensor& x) const {
  const Tensor source = contiguous(x);
  Tensor out(padded_, x.dtype());
  if (axes_.empty()) copy_into(out, x);
  if (axes_.empty() || out.numel() == 0) return out;
  const Axis& line = axes_.back();
  const int64_t width = line.padded * inner_;
  const int64_t left = line.first + line.shift, right = line.last + line.shift;  // ends of the run
  const int64_t inner = inner_, *repeated = line.from.data();
  visit_dtype(x.dtype(), [&](auto zero) {
    using T = decltype(zero);
    const T* from = source.data<T>();
    T* to = out.mutable_data<T>();
    parallel_for(out.numel() / width, std::max<int64_t>(1, elementwise_grain / width), [&](int64_t begin, int64_t end) {
      RowCounter row;
      row.count = axes_.size() - 1;
      for (size_t i = 0; i < row.count; ++i) row.sizes[i] = axes_[i].padded;
      row.begin_at(begin);
      for (int64_t r = begin; r < end; ++r, row.advance()) {
        int64_t source_row = 0;
        for (size_t i = 0; i < row.count; ++i) source_row = source_row * axes_[i].size + axes_[i].source(row.at[i]);
        const T* f = from + source_row * line.size * inner_;
        T* t = to + r * width;
        const auto edge = [&](int64_t first, int64_t last) {
          if (inner == 1)
            for (int64_t i = first; i < last; ++i) t[i] = f[repeated[i]];
          else
            for (int64_t i = first; i < last; ++i)
              std::memcpy(t + i * inner, f + repeated[i] * inner, size_t(inner) * sizeof(T));
        };
        edge(0, left);
        std::memcpy(t + left * inner_, f + line.first * inner_, size_t((right - left) * inner_) * sizeof(T));
        edge(right, line.padded);
      }
    });
  });
  return out;
}

template <class T>
void EdgePadding::add_rows(size_t axis, int64_t row, const Axis* axes, const int64_t* at, const T* padded,
                           double* sums) const {
  const Axis& a = axes[axis];
  if (axis + 1 < axes_.size()) {
    if (!a.is_padded()) return add_rows(axis + 1, row * a.padded + at[axis], axes, at, padded, sums);
    for (int64_t k = a.begin[size_t(at[axis])]; k < a.begin[size_t(at[axis]) + 1]; ++k)
      add_rows(axis + 1, row * a.padded + a.repeated[size_t(k)], axes, at, padded, sums);
    return;
  }
  const int64_t left = a.first + a.shift, right = a.last + a.shift;
  const T* line = padded + row * a.padded * inner_;
  const auto edge = [&](int64_t first, int64_t last) {
    for (int64_t i = first; i < last; ++i)
      for (int64_t k = 0; k < inner_; ++k) sums[a.from[size_t(i)] * inner_ + k] += double(line[i * inner_ + k]);
  };
  edge(0, left);
  double* inside = sums + a.first * inner_;
  const T* run = line + left * inner_;
#pragma omp simd
  for (int64_t i = 0; i < (right - left) * inner_; ++i) inside[i] += double(run[i]);
  edge(right, a.padded);
}

Tensor EdgePadding::fold(const Tensor& padded) const {
  const Tensor source = contiguous(padded);
  Tensor out(shape_, padded.dtype());
  if (axes_.empty()) copy_into(out, padded);
  if (axes_.empty() || out.numel() == 0) return out;
  const int64_t width = axes_.back().size * inner_;
  visit_floating("pad", padded.dtype(), [&](auto zero) {
    using T = decltype(zero);
    const T* from = source.data<T>();
    T* to = out.mutable_data<T>();
    parallel_for(out.numel() / width, std::max<int64_t>(1, elementwise_grain / width), [&](int64_t begin, int64_t end) {
      static thread_local Workspace scratch;
      double* sums = scratch.get<double>(width);
      RowCounter row;
      row.count = axes_.size() - 1;
      for (size_t i = 0; i < row.count; ++i) row.sizes[i] = axes_[i].size;
      row.begin_at(begin);
      for (int64_t r = begin; r < end; ++r, row.advance()) {
        std::fill_n(sums, width, 0.);
        add_rows(0, 0, axes_.data(), row.at, from, sums);
        for (int64_t i = 0; i < width; ++i) to[r * width + i] = T(sums[i]);
      }
    });
  });
  return out;
}

}  // namespace ditharos::kernels
