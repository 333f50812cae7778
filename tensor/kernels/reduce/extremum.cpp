// Largest and smallest elements along an axis, and where they are.
#include <ditharos/tensor/kernels/reduce/extremum.h>

#include <algorithm>

#include <ditharos/tensor/kernels/dispatch.h>
#include <ditharos/tensor/kernels/loop_nest.h>
#include <ditharos/tensor/kernels/pointwise/staging.h>
#include <ditharos/tensor/kernels/reduce/reduce.h>
#include <ditharos/tensor/view.h>

namespace ditharos::kernels {
namespace {

/// Runs store(position in the output, extreme element, its index) for every line along `axis`.
template <class T, bool largest, class Store>
void for_each_extremum(const Tensor& x, int axis, const Tensor& out, const Store& store) {
  const T* p = x.data<T>();
  const int64_t length = x.shape()[axis], step = x.strides()[axis];
  Shape shape = x.shape();
  Strides x_strides = x.strides();
  shape.erase(axis), x_strides.erase(axis);
  const LoopNest nest(shape, {contiguous_strides(out.shape()), x_strides});
  const auto beats = [](T value, T best) {
    return (largest ? value > best : value < best) || (value != value && best == best);  // NaN wins
  };
  for_each_row(nest, std::max<int64_t>(1, elementwise_grain / length), [&](int64_t n, const int64_t* at) {
    constexpr int64_t tile = 64;  // lines that are followed together, where that reads memory in order
    const int64_t together = nest.inner_stride(1) < step ? tile : 1;
    for (int64_t first = 0; first < n; first += together) {
      const int64_t width = std::min(together, n - first), across = nest.inner_stride(1);
      const T* base = p + at[1] + first * across;
      T best[tile];
      int64_t where[tile];
      for (int64_t j = 0; j < width; ++j) best[j] = base[j * across], where[j] = 0;
      for (int64_t i = 1; i < length; ++i)
        for (int64_t j = 0; j < width; ++j)
          if (const T value = base[i * step + j * across]; beats(value, best[j])) best[j] = value, where[j] = i;
      for (int64_t j = 0; j < width; ++j) store(at[0] + (first + j) * nest.inner_stride(0), best[j], where[j]);
    }
  });
}

/// Shape of the result without the axis; refuses an empty axis.
Shape without_axis(const char* op, const Tensor& x, int axis, bool largest) {
  check<ShapeError>(x.shape()[axis] > 0, "[", op, "] axis ", axis, " of shape ", x.shape(), " is empty: there is no ",
                    largest ? "largest" : "smallest", " element");
  Shape shape = x.shape();
  shape.erase(axis);
  return shape;
}

Tensor finish(const Tensor& out, const Tensor& x, int axis, bool keepdim) {
  if (!keepdim) return out;
  Shape shape = x.shape();
  shape[axis] = 1;
  return views::reshape(out, shape);
}

/// Extreme elements of lines that lie side by side, a tile of lines at a time: rows are combined element by element.
template <bool largest, class T>
void combine_rows(const Tensor& x, int axis, T* out) {
  const T* p = x.data<T>();
  const int64_t length = x.shape()[axis];
  int64_t inner = 1;
  for (int i = axis + 1; i < x.rank(); ++i) inner *= x.shape()[i];
  const int64_t outer = x.numel() / length / inner;
  constexpr int64_t tile = 4096 / int64_t(sizeof(T));
  const int64_t tiles = (inner + tile - 1) / tile;
  const BinaryLoop<T> loop = isa_kernels<PointwiseKernels>().binary(largest ? Binary::maximum : Binary::minimum, T{});
  parallel_for(outer * tiles, std::max<int64_t>(1, elementwise_grain / (length * std::min(tile, inner))),
               [&](int64_t begin, int64_t end) {
                 for (int64_t task = begin; task < end; ++task) {
                   const int64_t first = task % tiles * tile, width = std::min(tile, inner - first);
                   const T* rows = p + task / tiles * length * inner + first;
                   T* best = out + task / tiles * inner + first;
                   std::copy_n(rows, width, best);
                   for (int64_t i = 1; i < length; ++i) run_row(loop, width, best, 1, best, 1, rows + i * inner, 1);
                 }
               });
}

/// Several adjacent lines at a time need a type with vector loops, and order in memory.
template <class T>
bool has_rows(const Tensor& x, int axis) {
  return !std::is_same_v<T, bool> && x.is_contiguous() && x.strides()[axis] >= block_of<T>;
}

template <bool largest>
Tensor extremum(const char* op, const Tensor& x, int axis, bool keepdim) {
  axis = normalize_axis(op, axis, x.rank());
  Tensor out(without_axis(op, x, axis, largest), x.dtype());
  visit_full_precision(op, x.dtype(), [&](auto zero) {
    using T = decltype(zero);
    T* p = out.mutable_data<T>();
    if constexpr (!std::is_same_v<T, bool>)
      if (x.numel() > 0 && has_rows<T>(x, axis)) return combine_rows<largest>(x, axis, p);
    for_each_extremum<T, largest>(x, axis, out, [&](int64_t at, T value, int64_t) { p[at] = value; });
  });
  return finish(out, x, axis, keepdim);
}

template <bool largest>
Tensor place_of_extremum(const char* op, const Tensor& x, int axis, bool keepdim) {
  axis = normalize_axis(op, axis, x.rank());
  Tensor out(without_axis(op, x, axis, largest), DType::i64);
  int64_t* p = out.mutable_data<int64_t>();
  visit_full_precision(op, x.dtype(), [&](auto zero) {
    using T = decltype(zero);
    for_each_extremum<T, largest>(x, axis, out, [&](int64_t at, T, int64_t where) { p[at] = where; });
  });
  return finish(out, x, axis, keepdim);
}

}  // namespace

Tensor amax(const Tensor& x, int axis, bool keepdim) { return extremum<true>("amax", x, axis, keepdim); }
Tensor amin(const Tensor& x, int axis, bool keepdim) { return extremum<false>("amin", x, axis, keepdim); }
Tensor argmax(const Tensor& x, int axis, bool keepdim, const char* op) {
  return place_of_extremum<true>(op, x, axis, keepdim);
}
Tensor argmin(const Tensor& x, int axis, bool keepdim, const char* op) {
  return place_of_extremum<false>(op, x, axis, keepdim);
}

}  // namespace ditharos::kernels
