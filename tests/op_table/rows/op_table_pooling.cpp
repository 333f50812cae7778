// Rows of the op table: pooling of sequences, images and volumes.
#include <algorithm>

#include <ditharos/autograd/ops.h>
#include "tests/op_table/op_table.h"

namespace ditharos::tests {
namespace {

/// The windows along every axis.
struct Windows {
  int64_t kernel, stride, padding, dilation = 1;
  bool ceil_mode = false;

  int64_t outputs(int64_t n) const {
    const int64_t room = n + 2 * padding - dilation * (kernel - 1) - 1;
    int64_t count = room / stride + 1;
    if (ceil_mode) {
      count = (room + stride - 1) / stride + 1;
      if ((count - 1) * stride >= n + padding) --count;
    }
    return count;
  }
};

Shape spatial(const Shape& shape, int axes) { return Shape(shape.end() - axes, shape.end()); }

/// y at each index from f(elements of the window at the index of the spatial axes).
using OfWindow = std::function<double(const std::vector<double>& elements, const Index& window)>;

Array windowed(const Array& x, int axes, const Windows& w, const OfWindow& f) {
  const int leading = x.rank() - axes;
  Shape shape = x.shape;
  for (int i = leading; i < x.rank(); ++i) shape[i] = w.outputs(x.shape[i]);
  Array y(shape);
  each_index(shape, [&](const Index& i) {
    std::vector<double> elements;
    each_index(Shape::filled(axes, w.kernel), [&](const Index& k) {
      Index at = i;
      bool inside = true;
      for (int a = 0; a < axes; ++a) {
        at[leading + a] = i[leading + a] * w.stride - w.padding + k[a] * w.dilation;
        inside = inside && at[leading + a] >= 0 && at[leading + a] < x.shape[leading + a];
      }
      if (inside) elements.push_back(x.at(at));
    });
    y.at(i) = f(elements, spatial(i, axes));
  });
  return y;
}

double largest_of(const std::vector<double>& v) { return *std::max_element(v.begin(), v.end()); }

Shape shape_of(int axes, const std::vector<int64_t>& sides, int64_t batch = 2, int64_t channels = 2) {
  Shape shape{batch, channels};
  for (int i = 0; i < axes; ++i) shape.push_back(sides[size_t(i) % sides.size()]);
  return shape;
}

std::vector<Case> pool_cases(int axes, bool with_one) {
  std::vector<Case> cases = {{shape_of(axes, {5, 4, 3})}, {shape_of(axes, {4}, 0)}};
  if (with_one) cases.push_back({shape_of(axes, {1}, 1, 1)});
  return cases;
}

std::string dimension(int axes) { return std::to_string(axes) + "d"; }

std::string ones_of(int axes) { return to_text(Shape::filled(axes, 1)); }

Row max_windows(int axes, const Windows& w, bool with_indices) {
  using Plain = decltype(&max_pool1d);
  using Indexed = decltype(&max_pool1d_with_indices);
  const Plain plain = axes == 1 ? max_pool1d : axes == 2 ? max_pool2d : max_pool3d;
  const Indexed indexed = axes == 1   ? max_pool1d_with_indices
                          : axes == 2 ? max_pool2d_with_indices
                                      : max_pool3d_with_indices;
  Row row;
  row.name = "max_pool" + dimension(axes) + (with_indices ? "_with_indices" : "");
  row.record = "max_pool";
  row.op = [=](const Tensors& in) {
    if (with_indices) return indexed(in[0], w.kernel, w.stride, w.padding, w.dilation, w.ceil_mode).values;
    return plain(in[0], w.kernel, w.stride, w.padding, w.dilation, w.ceil_mode);
  };
  row.reference = [=](const Arrays& in) {
    return windowed(in[0], axes, w, [](const std::vector<double>& v, const Index&) { return largest_of(v); });
  };
  row.inputs = {apart(-2, 2)};
  row.cases = pool_cases(axes, w.dilation == 1);
  row.large = {{shape_of(axes, {17, 18, 19}, 8, 16)}};
  row.misuse = [=] {
    const Tensor x = zeros(shape_of(axes, {4}));
    if (with_indices) static_cast<void>(indexed(x, 2, 2, 2, 1, false));
    else plain(x, 2, 2, 2, 1, false);
  };
  const std::string two = to_text(Shape::filled(axes, 2));
  row.message = "[" + row.name +
                "] needs kernel, stride and dilation >= 1 and padding from 0 to half the window, got " + two + ", " +
                two + ", " + ones_of(axes) + " and " + two;
  return row;
}

Row mean_windows(int axes, const Windows& w, bool count_include_pad, int64_t divisor) {
  Row row;
  row.name = "avg_pool" + dimension(axes);
  row.record = "resample";
  row.op = [=](const Tensors& in) {
    const std::optional<int64_t> by = divisor ? std::optional<int64_t>(divisor) : std::nullopt;
    const auto pooled = axes == 3 ? avg_pool3d : avg_pool2d;
    if (axes == 1) return avg_pool1d(in[0], w.kernel, w.stride, w.padding, w.ceil_mode, count_include_pad);
    return pooled(in[0], w.kernel, w.stride, w.padding, w.ceil_mode, count_include_pad, by);
  };
  row.reference = [=](const Arrays& in) {
    const Shape sizes = spatial(in[0].shape, axes);
    return windowed(in[0], axes, w, [&](const std::vector<double>& v, const Index& window) {
      int64_t count = 1;  // elements of the window without what lies beyond the padding
      for (int a = 0; a < axes; ++a) {
        const int64_t left = window[a] * w.stride - w.padding;
        count *= std::min(left + w.kernel, sizes[a] + w.padding) - left;
      }
      return sum_of(v) / double(divisor ? divisor : count_include_pad ? count : int64_t(v.size()));
    });
  };
  row.inputs = {uniform(-2, 2)};
  row.cases = pool_cases(axes, true);
  row.large = {{shape_of(axes, {17, 18, 19}, 8, 16)}};
  row.misuse = [=] {
    const Tensor x = zeros(shape_of(axes, {2}));
    if (axes == 1) avg_pool1d(x, 3);
    else axes == 2 ? avg_pool2d(x, 3) : avg_pool3d(x, 3);
  };
  row.message = "[" + row.name + "] a window of " + to_text(Shape::filled(axes, 3)) + " does not fit sides of " +
                to_text(Shape::filled(axes, 2)) + " with padding " + to_text(Shape::filled(axes, 0));
  return row;
}

enum class Adaptive { mean, maximum, indexed_maximum };

Row adaptive_windows(int axes, int64_t size, Adaptive kind) {
  Row row;
  const bool mean = kind == Adaptive::mean;
  row.name = (mean ? "adaptive_avg_pool" : "adaptive_max_pool") + dimension(axes) +
             (kind == Adaptive::indexed_maximum ? "_with_indices" : "");
  row.record = mean ? "resample" : "max_pool";
  const auto compute = [=](const Tensor& x, int64_t n) {
    if (mean)
      return axes == 1 ? adaptive_avg_pool1d(x, n) : axes == 2 ? adaptive_avg_pool2d(x, n) : adaptive_avg_pool3d(x, n);
    if (kind == Adaptive::maximum)
      return axes == 1 ? adaptive_max_pool1d(x, n) : axes == 2 ? adaptive_max_pool2d(x, n) : adaptive_max_pool3d(x, n);
    return (axes == 1   ? adaptive_max_pool1d_with_indices(x, n)
            : axes == 2 ? adaptive_max_pool2d_with_indices(x, n)
                        : adaptive_max_pool3d_with_indices(x, n))
        .values;
  };
  row.op = [=](const Tensors& in) { return compute(in[0], size); };
  row.reference = [=](const Arrays& in) {
    const Array& x = in[0];
    const int leading = x.rank() - axes;
    Shape shape = x.shape;
    for (int i = leading; i < x.rank(); ++i) shape[i] = size;
    Array y(shape);
    each_index(shape, [&](const Index& i) {
      std::vector<double> elements;
      const Shape sizes = spatial(x.shape, axes);
      each_index(sizes, [&](const Index& k) {
        Index at = i;
        bool inside = true;
        for (int a = 0; a < axes; ++a) {
          const int64_t o = i[leading + a], n = sizes[a];
          at[leading + a] = k[a];
          inside = inside && k[a] >= o * n / size && k[a] < ((o + 1) * n + size - 1) / size;
        }
        if (inside) elements.push_back(x.at(at));
      });
      y.at(i) = mean ? mean_of(elements) : largest_of(elements);
    });
    return y;
  };
  row.inputs = {apart(-2, 2)};
  row.cases = pool_cases(axes, true);
  row.large = {{shape_of(axes, {17, 18, 19}, 8, 16)}};
  row.misuse = [=] { compute(zeros(shape_of(axes, {4})), 0); };
  row.message = "[" + row.name + "] needs sizes of at least 1, got " + to_text(Shape::filled(axes, 0));
  return row;
}

/// Each element at twice its position, which is within the result, since its sides are twice as long.
Row unpooling(int axes) {
  const auto windows_of = [axes](const Shape& shape) {
    int64_t windows = 1;
    for (int i = std::max(shape.rank() - axes, 0); i < shape.rank(); ++i) windows *= shape[i];
    return windows;
  };
  Row row;
  row.name = "max_unpool" + dimension(axes);
  row.record = "";
  row.op = [=](const Tensors& in) {
    std::vector<int64_t> positions;
    const int64_t windows = windows_of(in[0].shape());
    for (int64_t i = 0; i < in[0].numel(); ++i) positions.push_back(2 * (i % windows));
    const Tensor index = operand(from_vector(positions, in[0].shape()));
    return (axes == 1 ? max_unpool1d : axes == 2 ? max_unpool2d : max_unpool3d)(in[0], index, 2, {}, 0, {});
  };
  row.reference = [=](const Arrays& in) {
    const Array& x = in[0];
    Shape shape = x.shape;
    for (int i = x.rank() - axes; i < x.rank(); ++i) shape[i] *= 2;
    Array y(shape);
    const int64_t windows = windows_of(x.shape), elements = windows << axes;
    for (int64_t i = 0; i < int64_t(x.values.size()); ++i)
      y.values[size_t(i / windows * elements + 2 * (i % windows))] = x.values[size_t(i)];
    return y;
  };
  row.inputs = {uniform(-2, 2)};
  row.cases = {{shape_of(axes, {3, 2})}, {shape_of(axes, {2}, 0)}, {shape_of(axes, {1}, 1, 1)}};
  row.misuse = [=] {
    const Tensor x = zeros(shape_of(axes, {2}));
    (axes == 1 ? max_unpool1d : axes == 2 ? max_unpool2d : max_unpool3d)(x, x, 2, {}, 0, {});
  };
  row.message = "[" + row.name + "] the indices must be i64, got f32";
  return row;
}

}  // namespace

Rows pooling_rows() {
  Rows rows;
  for (int axes = 1; axes <= 3; ++axes) {
    rows.push_back(max_windows(axes, {3, 2, 1}, false));
    rows.push_back(max_windows(axes, {2, 3, 1, 1, true}, false));
    rows.push_back(max_windows(axes, {2, 1, 1, 2}, false));
    rows.push_back(max_windows(axes, {3, 2, 1, 1, true}, true));
    rows.push_back(mean_windows(axes, {3, 2, 1}, true, 0));
    rows.push_back(mean_windows(axes, {2, 3, 1, 1, true}, true, 0));
    rows.push_back(mean_windows(axes, {3, 2, 1, 1, true}, false, 0));
    if (axes > 1) rows.push_back(mean_windows(axes, {3, 2, 1, 1, true}, true, 5));
    for (const Adaptive kind : {Adaptive::mean, Adaptive::maximum, Adaptive::indexed_maximum})
      rows.push_back(adaptive_windows(axes, 3, kind));
    rows.push_back(unpooling(axes));
  }
  return rows;
}

}  // namespace ditharos::tests
