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

Taps Taps::average(int64_t inputs, int64_t kernel, int64_t stride, int64_t padding) {
  const int64_t outputs = (inputs + 2 * padding - kernel) / stride + 1;
  Taps taps(inputs, outputs);
  for (int64_t o = 0; o < outputs; ++o) {
    const int64_t left = o * stride - padding, first = std::max<int64_t>(left, 0);
    const int64_t last = std::max(first, std::min(left + kernel, inputs));
    taps.add_row(first, std::vector<double>(static_cast<size_t>(last - first), 1.0), double(kernel));
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

Taps Taps::nearest(int64_t inputs, int64_t outputs) {
  Taps taps(inputs, outputs);
  for (int64_t o = 0; o < outputs; ++o) taps.add_row(o * inputs / outputs, {1.0});
  return taps;
}

Taps Taps::linear(int64_t inputs, int64_t outputs) {
  Taps taps(inputs, outputs);
  const double ratio = double(inputs) / double(outputs);
  for (int64_t o = 0; o < outputs; ++o) {
    double at = std::max((double(o) + .5) * ratio - .5, 0.0);
    if (const double whole = std::round(at); std::abs(at - whole) < 1e-9) at = whole;  // but for rounding
    const int64_t first = std::min(static_cast<int64_t>(at), inputs - 1);
    const double share = at - double(first);
    // A neighbour of weight 0 is not read: its NaN or infinity must not reach this output.
    if (first + 1 < inputs && share > 0) taps.add_row(first, {1 - share, share});
    else taps.add_row(first, {1.0});
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

/// One image's channel: its lines first, then sums of lines.
template <class T>
void resample_plane(const TypedTaps<T>& rows, const TypedTaps<T>& columns, const T* from, T* lines, T* to) {
  const int64_t width = columns.taps.outputs(), in_width = columns.taps.inputs();
  for (int64_t h = 0; h < rows.taps.inputs(); ++h) resample_line(columns, from + h * in_width, lines + h * width);
  for (int64_t i = 0; i < rows.taps.outputs(); ++i, to += width) {
    const int64_t n = rows.taps.count(i);
    const T *w = rows.weights(i), *line = lines + rows.taps.first(i) * width;
    constexpr int64_t few = 8;  // lines that are added in the type of the elements
    if (n == 0) std::fill_n(to, width, T(0));
    if (n > few) {
      add_lines(n, w, line, width, to);
      continue;
    }
    for (int64_t k = 0; k < n; ++k, line += width) {
      const T factor = w[k];
      if (k == 0)
        for (int64_t j = 0; j < width; ++j) to[j] = factor * line[j];
      else
        for (int64_t j = 0; j < width; ++j) to[j] += factor * line[j];
    }
  }
}

/// x [..., H, W] with each pixel divided by the divisors of its row and its column.
Tensor divided(const Tensor& x, const std::vector<double>& rows, const std::vector<double>& columns) {
  const auto is_one = [](double v) { return v == 1; };
  if (std::all_of(rows.begin(), rows.end(), is_one) && std::all_of(columns.begin(), columns.end(), is_one)) return x;
  std::vector<double> divisors;
  for (const double row : rows)
    for (const double column : columns) divisors.push_back(row * column);
  const Shape shape{static_cast<int64_t>(rows.size()), static_cast<int64_t>(columns.size())};
  return binary(Binary::div, x, to(from_vector(divisors, shape), x.dtype()));
}

}  // namespace

Tensor resample(const char* op, const Tensor& x, const Taps& rows, const Taps& columns) {
  const int rank = x.rank();
  check<ShapeError>(rank >= 2 && x.size(-2) == rows.inputs() && x.size(-1) == columns.inputs(), "[", op,
                    "] needs images [..., ", rows.inputs(), ", ", columns.inputs(), "], got ", x.shape());
  Shape shape = x.shape();
  shape[rank - 2] = rows.outputs();
  shape[rank - 1] = columns.outputs();
  return visit_floating(op, x.dtype(), [&](auto zero) {
    using T = decltype(zero);
    const Tensor out(shape, x.dtype());
    if (out.numel() == 0) return out;
    const Tensor in = contiguous(divided(x, rows.input_divisors(), columns.input_divisors()));
    const TypedTaps<T> typed_rows(rows), typed_columns(columns);
    const int64_t from_plane = rows.inputs() * columns.inputs(), to_plane = rows.outputs() * columns.outputs();
    const T* from = in.data<T>();
    T* to = out.mutable_data<T>();
    parallel_for(out.numel() / to_plane, 1 + grain / (from_plane + to_plane), [&](int64_t begin, int64_t end) {
      static thread_local Workspace scratch;
      T* lines = scratch.get<T>(rows.inputs() * columns.outputs());
      for (int64_t plane = begin; plane < end; ++plane)
        resample_plane(typed_rows, typed_columns, from + plane * from_plane, lines, to + plane * to_plane);
    });
    return divided(out, rows.output_divisors(), columns.output_divisors());
  });
}

Tensor max_pool2d(const Tensor& x, const Shape& kernel, const Shape& stride, const Shape& padding, Tensor* index) {
  const int64_t height = x.size(2), width = x.size(3);
  const int64_t out_h = (height + 2 * padding[0] - kernel[0]) / stride[0] + 1;
  const int64_t out_w = (width + 2 * padding[1] - kernel[1]) / stride[1] + 1;
  const Shape shape{x.size(0), x.size(1), out_h, out_w};
  return visit_floating("max_pool2d", x.dtype(), [&](auto zero) {
    using T = decltype(zero);
    const Tensor in = contiguous(x), out(shape, x.dtype()), positions(shape, DType::i64);
    const T* from = in.data<T>();
    T* to = out.mutable_data<T>();
    int64_t* position = positions.mutable_data<int64_t>();
    parallel_for(shape[0] * shape[1], 1 + grain / (out_h * out_w * 4), [&](int64_t begin, int64_t end) {
      for (int64_t plane = begin; plane < end; ++plane)
        for (int64_t i = 0; i < out_h * out_w; ++i) {
          const int64_t top = i / out_w * stride[0] - padding[0], left = i % out_w * stride[1] - padding[1];
          const int64_t first_h = std::max<int64_t>(top, 0), last_h = std::min(top + kernel[0], height);
          const int64_t first_w = std::max<int64_t>(left, 0), last_w = std::min(left + kernel[1], width);
          const T* image = from + plane * height * width;
          int64_t best = first_h * width + first_w;
          for (int64_t h = first_h; h < last_h; ++h)
            for (int64_t w = first_w; w < last_w; ++w) {
              const T value = image[h * width + w];
              if (value > image[best] || (value != value && image[best] == image[best])) best = h * width + w;
            }
          to[plane * out_h * out_w + i] = image[best];
          position[plane * out_h * out_w + i] = best;
        }
    });
    if (index) *index = positions;
    return out;
  });
}

}  // namespace ditharos::kernels
