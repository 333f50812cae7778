#include <ditharos/tensor/kernels/copy/copy.h>

#include <algorithm>
#include <cstring>

#include <ditharos/tensor/kernels/dispatch.h>
#include <ditharos/tensor/kernels/loop_nest.h>
#include <ditharos/tensor/kernels/pointwise/convert.h>
#include <ditharos/tensor/kernels/pointwise/convert_isa.h>
#include <ditharos/tensor/view.h>

namespace ditharos::kernels {
namespace {

template <class To, class From>
void copy_row(int64_t n, To* to, int64_t to_stride, const From* from, int64_t from_stride) {
  if (to_stride == 1 && from_stride == 1) {
    if constexpr (std::is_same_v<To, From>) std::memcpy(to, from, size_t(n) * sizeof(To));
    else if constexpr (std::is_same_v<To, bfloat16> && std::is_same_v<From, float>)
      isa_kernels<ConvertKernels>().to_bf16(n, from, to);
    else if constexpr (std::is_same_v<To, float> && std::is_same_v<From, bfloat16>)
      isa_kernels<ConvertKernels>().from_bf16(n, from, to);
    else
      for (int64_t i = 0; i < n; ++i) to[i] = convert<To>(from[i]);
  } else if (std::is_same_v<To, From> && to_stride == 1 && from_stride == -1) {
    for (int64_t i = 0; i < n; ++i) to[i] = convert<To>(from[-i]);  // a stride that the compiler knows: it vectorises
  } else {
    for (int64_t i = 0; i < n; ++i) to[i * to_stride] = convert<To>(from[i * from_stride]);
  }
}

/// The axis along which the source is contiguous when the innermost axis is not it, or -1: a transposition.
int transposed_axis(const LoopNest& nest) {
  const int last = nest.sizes.rank() - 1;
  if (nest.strides[0][last] != 1 || nest.strides[1][last] == 1) return -1;
  for (int axis = 0; axis < last; ++axis)
    if (nest.strides[1][axis] == 1 && nest.sizes[axis] >= 4) return axis;
  return -1;
}

/// A transposition in tiles, so that each cache line is used completely.
template <class To, class From>
void copy_transposed(const LoopNest& nest, int axis, To* to, const From* from) {
  constexpr int64_t tile = 16;
  const int last = nest.sizes.rank() - 1;
  const int64_t rows = nest.sizes[axis], columns = nest.sizes[last];
  const int64_t row_step = nest.strides[0][axis], column_step = nest.strides[1][last];
  // Every step of the outer nest is a band: `tile` rows of one plane, all its columns.
  Shape sizes = nest.sizes;
  Strides to_strides = nest.strides[0], from_strides = nest.strides[1];
  sizes[axis] = (rows + tile - 1) / tile;
  sizes.erase(last), to_strides.erase(last), from_strides.erase(last);
  const int64_t bands = numel(sizes), grain = std::max<int64_t>(1, elementwise_grain / (tile * columns));
  parallel_for(bands, grain, [&](int64_t begin, int64_t end) {
    for (int64_t band = begin; band < end; ++band) {
      int64_t rest = band, to_offset = 0, from_offset = 0, height = tile;
      for (int i = sizes.rank() - 1; i >= 0; --i) {
        int64_t position = rest % sizes[i];
        rest /= sizes[i];
        if (i == axis) position *= tile, height = std::min(tile, rows - position);
        to_offset += position * to_strides[i];
        from_offset += position * from_strides[i];
      }
      for (int64_t first = 0; first < columns; first += tile) {
        const int64_t width = std::min(tile, columns - first);
        To* t = to + to_offset + first;
        const From* f = from + from_offset + first * column_step;
        for (int64_t r = 0; r < height; ++r)
          for (int64_t c = 0; c < width; ++c) t[r * row_step + c] = convert<To>(f[c * column_step + r]);
      }
    }
  });
}

template <class To, class From>
void copy_elements(const Tensor& dst, const Tensor& src) {
  To* to = dst.mutable_data<To>();
  const From* from = src.data<From>();
  const LoopNest nest(dst.shape(), {dst.strides(), src.strides()});
  if (const int axis = transposed_axis(nest); axis >= 0) return copy_transposed(nest, axis, to, from);
  for_each_row(nest, elementwise_grain, [&](int64_t n, const int64_t* at) {
    copy_row(n, to + at[0], nest.inner_stride(0), from + at[1], nest.inner_stride(1));
  });
}

}  // namespace

void copy_into(const Tensor& dst, const Tensor& src) {
  check<ShapeError>(dst.shape() == src.shape(), "[copy_into] cannot copy shape ", src.shape(), " into shape ",
                    dst.shape());
  if (dst.numel() == 0) return;
  visit_dtype(dst.dtype(), [&](auto to) {
    visit_dtype(src.dtype(), [&](auto from) { copy_elements<decltype(to), decltype(from)>(dst, src); });
  });
}

Tensor to(const Tensor& x, DType dtype) {
  Tensor out(x.shape(), dtype);
  copy_into(out, x);
  return out;
}

Tensor to_dtype(const Tensor& x, DType dtype) { return x.dtype() == dtype ? x : to(x, dtype); }

Tensor contiguous(const Tensor& x) { return x.is_contiguous() ? x : to(x, x.dtype()); }

void fill(const Tensor& dst, double value) {
  if (dst.numel() == 0) return;
  visit_dtype(dst.dtype(), [&](auto zero) {
    using T = decltype(zero);
    const T v = convert<T>(value);
    T* to = dst.mutable_data<T>();
    const LoopNest nest(dst.shape(), {dst.strides()});
    for_each_row(nest, elementwise_grain, [&](int64_t n, const int64_t* at) {
      T* p = to + at[0];
      const int64_t step = nest.inner_stride(0);
      if (step == 1) std::fill_n(p, n, v);
      else
        for (int64_t i = 0; i < n; ++i) p[i * step] = v;
    });
  });
}

Tensor cat(const std::vector<Tensor>& parts, int axis) {
  check<ShapeError>(!parts.empty(), "[cat] needs at least one tensor");
  const Tensor& first = parts.front();
  axis = normalize_axis("cat", axis, first.rank());
  Shape shape = first.shape();
  shape[axis] = 0;
  for (const Tensor& part : parts) {
    check<DTypeError>(part.dtype() == first.dtype(), "[cat] all tensors need one dtype, got ", first.dtype(), " and ",
                      part.dtype());
    Shape expected = first.shape();
    if (part.rank() == expected.rank()) expected[axis] = part.shape()[axis];
    check<ShapeError>(part.shape() == expected, "[cat] shapes ", first.shape(), " and ", part.shape(),
                      " differ in more than axis ", axis);
    shape[axis] += part.shape()[axis];
  }
  Tensor out(shape, first.dtype());
  int64_t at = 0;
  for (const Tensor& part : parts) {
    const int64_t next = at + part.shape()[axis];
    copy_into(views::slice(out, axis, at, next, 1), part);
    at = next;
  }
  return out;
}

Tensor flip(const Tensor& x, const Axes& axes) {
  // Read from the end with negative strides. Such a view is not returned from this function.
  Strides strides = x.strides();
  int64_t first = x.offset();
  bool turned[Shape::max_rank] = {};
  for (int64_t axis : axes) {
    const int a = normalize_axis("flip", axis, x.rank());
    check<ShapeError>(!turned[a], "[flip] axes ", axes, " list an axis twice");
    turned[a] = true;
    if (x.shape()[a] > 0) first += (x.shape()[a] - 1) * strides[a];
    strides[a] = -strides[a];
  }
  return to(Tensor(x.storage(), x.shape(), strides, first, x.dtype()), x.dtype());
}

}  // namespace ditharos::kernels
