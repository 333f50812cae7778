#include <ditharos/tensor/kernels/reduce/softmax.h>

#include <algorithm>
#include <limits>

#include <ditharos/tensor/kernels/copy/copy.h>
#include <ditharos/tensor/kernels/dispatch.h>
#include <ditharos/tensor/kernels/reduce/softmax_isa.h>
#include <ditharos/tensor/parallel.h>

namespace ditharos::kernels {
namespace {

/// Least number of elements per thread.
constexpr int64_t grain = 8192;

const SoftmaxKernels& kernels_in_use() { return isa_kernels<SoftmaxKernels>(); }

/// Runs body(row) for each of `rows` rows of n elements.
template <class Body>
void for_rows(int64_t rows, int64_t n, const Body& body) {
  if (n == 0) return;
  parallel_for(rows, std::max<int64_t>(1, grain / n), [&](int64_t begin, int64_t end) {
    for (int64_t row = begin; row < end; ++row) body(row);
  });
}

int64_t last_size(const char* op, const Tensor& x) {
  check<ShapeError>(x.rank() >= 1, "[", op, "] works along the last axis, but a scalar has none");
  return x.size(-1);
}

/// How a tensor lies around an axis: `outer` blocks of n rows of `inner` adjacent elements.
struct AxisLayout {
  int64_t outer = 1, n = 1, inner = 1;
  AxisLayout(const char* op, const Shape& shape, int axis) {
    check<ShapeError>(shape.rank() >= 1, "[", op, "] works along an axis, but a scalar has none");
    axis = normalize_axis(op, axis, shape.rank());
    for (int i = 0; i < axis; ++i) outer *= shape[i];
    n = shape[axis];
    for (int i = axis + 1; i < shape.rank(); ++i) inner *= shape[i];
  }
  /// rows(offset) for each row of n adjacent elements, or columns(offset, width) for blocks of columns.
  template <class Rows, class Columns>
  void for_each(const Rows& rows, const Columns& columns) const {
    if (outer == 0 || inner == 0) return;
    if (inner == 1) return for_rows(outer, n, [&](int64_t row) { rows(row * n); });
    const int64_t blocks = (inner + softmax_columns - 1) / softmax_columns;
    for_rows(outer * blocks, n * std::min(inner, softmax_columns), [&](int64_t i) {
      const int64_t first = i % blocks * softmax_columns;
      columns(i / blocks * n * inner + first, std::min(softmax_columns, inner - first));
    });
  }
};

/// y = f(x) along an axis; rows(loops) and columns(loops) are f.
template <class PickRows, class PickColumns>
Tensor map_axis(const char* op, const Tensor& x, int axis, const PickRows& rows, const PickColumns& columns) {
  const AxisLayout layout(op, x.shape(), axis);
  return visit_floating(op, x.dtype(), [&](auto zero) {
    using T = decltype(zero);
    const auto run = rows(kernels_in_use().loops(zero));
    const auto run_columns = columns(kernels_in_use().loops(zero));
    const Tensor source = contiguous(x);
    Tensor out(x.shape(), x.dtype());
    const T* from = source.data<T>();
    T* to = out.mutable_data<T>();
    layout.for_each([&](int64_t at) { run(layout.n, from + at, to + at); },
                    [&](int64_t at, int64_t width) { run_columns(layout.n, layout.inner, width, from + at, to + at); });
    return out;
  });
}

/// dx = f(grad, y) along an axis.
template <class PickRows, class PickColumns>
Tensor map_axis(const char* op, const Tensor& grad, const Tensor& y, int axis, const PickRows& rows,
                const PickColumns& columns) {
  const AxisLayout layout(op, y.shape(), axis);
  check<ShapeError>(grad.shape() == y.shape(), "[", op, "] gradient of shape ", grad.shape(),
                    " for an output of shape ", y.shape());
  check<DTypeError>(grad.dtype() == y.dtype(), "[", op, "] gradient of ", grad.dtype(), " for an output of ",
                    y.dtype());
  return visit_floating(op, y.dtype(), [&](auto zero) {
    using T = decltype(zero);
    const auto run = rows(kernels_in_use().loops(zero));
    const auto run_columns = columns(kernels_in_use().loops(zero));
    const Tensor g = contiguous(grad), source = contiguous(y);
    Tensor out(y.shape(), y.dtype());
    const T *from_g = g.data<T>(), *from = source.data<T>();
    T* to = out.mutable_data<T>();
    layout.for_each([&](int64_t at) { run(layout.n, from_g + at, from + at, to + at); },
                    [&](int64_t at, int64_t width) {
                      run_columns(layout.n, layout.inner, width, from_g + at, from + at, to + at);
                    });
    return out;
  });
}

}  // namespace

Tensor checked_labels(const char* op, const Tensor& logits, const Tensor& labels) {
  check<ShapeError>(logits.rank() == 2 && labels.rank() == 1 && labels.shape()[0] == logits.shape()[0], "[", op,
                    "] needs logits [N, C] and labels [N], got ", logits.shape(), " and ", labels.shape());
  check<DTypeError>(labels.dtype() == DType::i64, "[", op, "] labels must be i64, got ", labels.dtype());
  const Tensor flat = contiguous(labels);
  const int64_t n = logits.shape()[0], classes = logits.shape()[1];
  for (int64_t i = 0; i < n; ++i) {
    const int64_t label = flat.data<int64_t>()[i];
    check<ShapeError>(label >= 0 && label < classes, "[", op, "] label ", label, " of row ", i, " is not in [0, ",
                      classes, ")");
  }
  return flat;
}

Tensor softmax(const Tensor& x, int axis) {
  return map_axis(
      "softmax", x, axis, [](const auto& loops) { return loops.softmax; },
      [](const auto& loops) { return loops.softmax_of_columns; });
}
Tensor log_softmax(const Tensor& x, int axis) {
  return map_axis(
      "log_softmax", x, axis, [](const auto& loops) { return loops.log_softmax; },
      [](const auto& loops) { return loops.log_softmax_of_columns; });
}
Tensor softmax_backward(const Tensor& grad, const Tensor& y, int axis) {
  return map_axis(
      "softmax_backward", grad, y, axis, [](const auto& loops) { return loops.softmax_backward; },
      [](const auto& loops) { return loops.softmax_backward_of_columns; });
}
Tensor log_softmax_backward(const Tensor& grad, const Tensor& y, int axis) {
  return map_axis(
      "log_softmax_backward", grad, y, axis, [](const auto& loops) { return loops.log_softmax_backward; },
      [](const auto& loops) { return loops.log_softmax_backward_of_columns; });
}

Tensor log_sum_exp(const Tensor& x) {
  const int64_t n = last_size("logsumexp", x);
  return visit_floating("logsumexp", x.dtype(), [&](auto zero) {
    using T = decltype(zero);
    const Tensor source = contiguous(x);
    Shape shape = x.shape();
    shape.erase(x.rank() - 1);
    Tensor out(shape, x.dtype());
    if (n == 0) fill(out, -std::numeric_limits<double>::infinity());
    const T* from = source.data<T>();
    T* to = out.mutable_data<T>();
    const auto run = kernels_in_use().loops(zero).log_sum_exp;
    for_rows(out.numel(), n, [&](int64_t row) { to[row] = run(n, from + row * n); });
    return out;
  });
}

Tensor cross_entropy(const Tensor& logits, const Tensor& labels) {
  const Tensor targets = checked_labels("cross_entropy", logits, labels);
  return visit_floating("cross_entropy", logits.dtype(), [&](auto zero) {
    using T = decltype(zero);
    const Tensor source = contiguous(logits);
    Tensor out({logits.shape()[0]}, logits.dtype());
    const T* from = source.data<T>();
    const int64_t* label = targets.data<int64_t>();
    T* to = out.mutable_data<T>();
    const auto run = kernels_in_use().loops(zero).cross_entropy;
    const int64_t n = logits.shape()[1];
    for_rows(logits.shape()[0], n, [&](int64_t row) { to[row] = run(n, from + row * n, label[row]); });
    return out;
  });
}

Tensor cross_entropy_backward(const Tensor& grad, const Tensor& logits, const Tensor& labels) {
  const Tensor targets = checked_labels("cross_entropy_backward", logits, labels);
  check<ShapeError>(grad.shape() == labels.shape(), "[cross_entropy_backward] gradient of shape ", grad.shape(),
                    " for losses of shape ", labels.shape());
  check<DTypeError>(grad.dtype() == logits.dtype(), "[cross_entropy_backward] gradient of ", grad.dtype(),
                    " for logits of ", logits.dtype());
  return visit_floating("cross_entropy_backward", logits.dtype(), [&](auto zero) {
    using T = decltype(zero);
    const Tensor g = contiguous(grad), source = contiguous(logits);
    Tensor out(logits.shape(), logits.dtype());
    const T *from_g = g.data<T>(), *from = source.data<T>();
    const int64_t* label = targets.data<int64_t>();
    T* to = out.mutable_data<T>();
    const auto run = kernels_in_use().loops(zero).cross_entropy_backward;
    const int64_t n = logits.shape()[1];
    for_rows(logits.shape()[0], n, [&](int64_t row) { run(n, from_g[row], from + row * n, label[row], to + row * n); });
    return out;
  });
}

}  // namespace ditharos::kernels
