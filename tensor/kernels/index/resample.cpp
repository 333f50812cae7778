#include <ditharos/tensor/kernels/index/resample.h>

#include <algorithm>
#include <cmath>

#include <ditharos/tensor/factory.h>
#include <ditharos/tensor/kernels/copy/copy.h>
#include <ditharos/tensor/kernels/pointwise/pointwise.h>
#include <ditharos/tensor/kernels/workspace.h>
#include <ditharos/tensor/parallel.h>

namespace ditharos::kernels {

void Taps::add_row(int64_t first, const std::vector<double>& weights, double divisor) {
  output_divisors_[rows_] = divisor;
  begin_[rows_++] = first;
  weights_.insert(weights_.end(), weights.begin(), weights.end());
  start_.push_back(static_cast<int64_t>(weights_.size()));
}

Taps Taps::transposed() const {
  Taps result(outputs(), inputs_);
  for (int64_t input = 0; input < inputs_; ++input) {
    int64_t begin = 0, end = 0;
    std::vector<double> row;
    for (int64_t o = 0; o < outputs(); ++o) {
      const int64_t at = input - first(o);
      if (at < 0 || at >= count(o)) continue;
      if (row.empty()) begin = end = o;
      row.resize(static_cast<size_t>(o - begin), 0.0);  // outputs in between without a weight for this input
      row.push_back(weights(o)[at]);
      end = o;
    }
    result.add_row(std::min(begin, end), row);
  }
  result.input_divisors_ = output_divisors_;
  result.output_divisors_ = input_divisors_;
  return result;
}

Taps Taps::windows(int64_t inputs, int64_t kernel, int64_t stride, int64_t padding,
                   const std::vector<double>& divisors) {
  const int64_t outputs = static_cast<int64_t>(divisors.size());
  Taps taps(inputs, outputs);
  for (int64_t o = 0; o < outputs; ++o) {
    const int64_t left = o * stride - padding, first = std::max<int64_t>(left, 0);
    const int64_t last = std::max(first, std::min(left + kernel, inputs));
    taps.add_row(first, std::vector<double>(static_cast<size_t>(last - first), 1.0), divisors[static_cast<size_t>(o)]);
  }
  return taps;
}

Taps Taps::adaptive_average(int64_t inputs, int64_t outputs) {
  Taps taps(inputs, outputs);
  for (int64_t o = 0; o < outputs; ++o) {
    const int64_t first = o * inputs / outputs, count = ((o + 1) * inputs + outputs - 1) / outputs - first;
    taps.add_row(first, std::vector<double>(static_cast<size_t>(count), 1.0), double(count));
  }
  return taps;
}

namespace {

constexpr int64_t grain = 16384;  // least elements per thread

/// The taps in the type of the elements.
template <class T>
struct TypedTaps {
  const Taps& taps;
  std::vector<T> all;
  std::vector<size_t> start;
  std::vector<int64_t> first;
  int64_t equal_count;  // of every row, or -1 when they differ

  explicit TypedTaps(const Taps& t) : taps(t), equal_count(t.outputs() > 0 ? t.count(0) : -1) {
    for (int64_t o = 0; o < t.outputs(); ++o) {
      start.push_back(all.size());
      first.push_back(t.first(o));
      all.insert(all.end(), t.weights(o), t.weights(o) + t.count(o));
      if (t.count(o) != equal_count) equal_count = -1;
    }
  }
  const T* weights(int64_t o) const { return all.data() + start[static_cast<size_t>(o)]; }
};

/// One line of pixels, each of `count` taps.
template <int count, class T>
void resample_line_of(const TypedTaps<T>& columns, const T* from, T* to) {
  const int64_t width = columns.taps.outputs(), *first = columns.first.data();
  const T* w = columns.all.data();
  for (int64_t j = 0; j < width; ++j, w += count) {
    T sum = w[0] * from[first[j]];
    for (int k = 1; k < count; ++k) sum += w[k] * from[first[j] + k];
    to[j] = sum;
  }
}

template <class T>
void resample_line(const TypedTaps<T>& columns, const T* from, T* to) {
  if (columns.equal_count == 1) return resample_line_of<1>(columns, from, to);
  if (columns.equal_count == 2) return resample_line_of<2>(columns, from, to);
  const int64_t width = columns.taps.outputs();
  for (int64_t j = 0; j < width; ++j) {
    const T *x = from + columns.taps.first(j), *w = columns.weights(j);
    double sum = 0;
    for (int64_t k = 0, n = columns.taps.count(j); k < n; ++k) sum += double(w[k]) * double(x[k]);
    to[j] = T(sum);
  }
}

/// to = sum of n lines, each times its factor, in double.
template <class T>
void add_lines(int64_t n, const T* w, const T* line, int64_t width, T* to) {
  constexpr int64_t tile = 64;
  for (int64_t left = 0; left < width; left += tile) {
    const int64_t columns = std::min(tile, width - left);
    double sums[tile] = {};
    for (int64_t k = 0; k < n; ++k)
      for (int64_t j = 0; j < columns; ++j) sums[j] += double(w[k]) * double(line[k * width + left + j]);
    for (int64_t j = 0; j < columns; ++j) to[left + j] = T(sums[j]);
  }
}

/// Line i of the result from lines of `width` elements.
template <class T>
void resample_row(const TypedTaps<T>& rows, int64_t i, const T* lines, int64_t width, T* to) {
  const int64_t n = rows.taps.count(i);
  const T *w = rows.weights(i), *line = lines + rows.taps.first(i) * width;
  constexpr int64_t few = 8;  // lines that are added in the type of the elements
  if (n == 0) std::fill_n(to, width, T(0));
  if (n > few) return add_lines(n, w, line, width, to);
  for (int64_t k = 0; k < n; ++k, line += width) {
    const T factor = w[k];
    if (k == 0)
      for (int64_t j = 0; j < width; ++j) to[j] = factor * line[j];
    else
      for (int64_t j = 0; j < width; ++j) to[j] += factor * line[j];
  }
}

/// x, with the last axes divided by the products of the axes' divisors.
Tensor divided(const Tensor& x, const std::vector<const std::vector<double>*>& axes) {
  std::vector<double> divisors{1.0};
  Shape shape;
  for (const std::vector<double>* axis : axes) {
    std::vector<double> next;
    for (const double outer : divisors)
      for (const double inner : *axis) next.push_back(outer * inner);
    divisors = std::move(next);
    shape.push_back(static_cast<int64_t>(axis->size()));
  }
  if (std::all_of(divisors.begin(), divisors.end(), [](double v) { return v == 1; })) return x;
  return binary(Binary::div, x, to(from_vector(divisors, shape), x.dtype()));
}

/// Along the last axis.
template <class T>
Tensor resample_lines(const Tensor& x, const Taps& columns) {
  Shape shape = x.shape();
  shape[x.rank() - 1] = columns.outputs();
  const Tensor out(shape, x.dtype());
  if (out.numel() == 0) return out;
  const Tensor in = contiguous(divided(x, {&columns.input_divisors()}));
  const TypedTaps<T> typed(columns);
  const int64_t in_width = columns.inputs(), width = columns.outputs();
  const T* from = in.data<T>();
  T* to = out.mutable_data<T>();
  parallel_for(out.numel() / width, 1 + grain / (in_width + width), [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) resample_line(typed, from + i * in_width, to + i * width);
  });
  return divided(out, {&columns.output_divisors()});
}

/// Along the last two axes: the lines of an image first, then sums of lines.
template <class T>
Tensor resample_images(const Tensor& x, const Taps& rows, const Taps& columns) {
  Shape shape = x.shape();
  shape[x.rank() - 2] = rows.outputs();
  shape[x.rank() - 1] = columns.outputs();
  const Tensor out(shape, x.dtype());
  if (out.numel() == 0) return out;
  const Tensor in = contiguous(divided(x, {&rows.input_divisors(), &columns.input_divisors()}));
  const TypedTaps<T> typed_rows(rows), typed_columns(columns);
  const int64_t height = rows.inputs(), in_width = columns.inputs(), width = columns.outputs();
  const int64_t from_plane = height * in_width, to_plane = rows.outputs() * width;
  const T* from = in.data<T>();
  T* to = out.mutable_data<T>();
  parallel_for(out.numel() / to_plane, 1 + grain / (from_plane + to_plane), [&](int64_t begin, int64_t end) {
    static thread_local Workspace scratch;
    T* lines = scratch.get<T>(height * width);
    for (int64_t plane = begin; plane < end; ++plane) {
      for (int64_t h = 0; h < height; ++h)
        resample_line(typed_columns, from + plane * from_plane + h * in_width, lines + h * width);
      for (int64_t i = 0; i < rows.outputs(); ++i)
        resample_row(typed_rows, i, lines, width, to + plane * to_plane + i * width);
    }
  });
  return divided(out, {&rows.output_divisors(), &columns.output_divisors()});
}

/// Along the third axis from the end: sums of images.
template <class T>
Tensor resample_depth(const Tensor& x, const Taps& depth) {
  const int axis = x.rank() - 3;
  Shape shape = x.shape();
  shape[axis] = depth.outputs();
  const Tensor out(shape, x.dtype());
  if (out.numel() == 0) return out;
  const std::vector<double> one{1.0};
  const Tensor in = contiguous(divided(x, {&depth.input_divisors(), &one, &one}));
  const TypedTaps<T> typed(depth);
  const int64_t image = shape[axis + 1] * shape[axis + 2], images = depth.outputs();
  const T* from = in.data<T>();
  T* to = out.mutable_data<T>();
  parallel_for(out.numel() / image, 1 + grain / (2 * image), [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i)
      resample_row(typed, i % images, from + i / images * depth.inputs() * image, image, to + i * image);
  });
  return divided(out, {&depth.output_divisors(), &one, &one});
}

}  // namespace

Tensor resample(const char* op, const Tensor& x, const std::vector<std::shared_ptr<const Taps>>& taps) {
  const int axes = static_cast<int>(taps.size());
  for (int i = 0; i < axes; ++i)
    check<ShapeError>(x.rank() >= axes && x.size(i - axes) == taps[size_t(i)]->inputs(), "[", op, "] axis ", i - axes,
                      " needs ", taps[size_t(i)]->inputs(), " elements, got shape ", x.shape());
  return visit_floating(op, x.dtype(), [&](auto zero) {
    using T = decltype(zero);
    if (axes == 1) return resample_lines<T>(x, *taps[0]);
    const Tensor images = resample_images<T>(x, *taps[size_t(axes - 2)], *taps[size_t(axes - 1)]);
    return axes == 3 ? resample_depth<T>(images, *taps[0]) : images;
  });
}

}  // namespace ditharos::kernels
