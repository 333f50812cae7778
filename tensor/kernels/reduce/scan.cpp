#include <ditharos/tensor/kernels/reduce/scan.h>

#include <algorithm>

#include <ditharos/tensor/kernels/copy/copy.h>
#include <ditharos/tensor/kernels/loop_nest.h>

namespace ditharos::kernels {
namespace {

/// What a line is added up in. Integers are added in the unsigned type of their width, where an overflow wraps around.
template <class T> struct Accumulator { using type = T; };
template <> struct Accumulator<float> { using type = double; };

template <class T>
void add_along(const Tensor& out, const Tensor& x, int axis, const T* from, T* to) {
  const int64_t length = x.shape()[axis], from_step = x.strides()[axis], to_step = out.strides()[axis];
  Shape lines = x.shape();
  Strides to_strides = out.strides(), from_strides = x.strides();
  lines.erase(axis), to_strides.erase(axis), from_strides.erase(axis);
  const LoopNest nest(lines, {to_strides, from_strides});
  // A line belongs to one thread. Lines go side by side, which reads memory in order unless the axis is the last.
  for_each_row(nest, std::max<int64_t>(1, elementwise_grain / length), [&](int64_t n, const int64_t* at) {
    const int64_t to_across = nest.inner_stride(0), from_across = nest.inner_stride(1);
    T* first = to + at[0];
    const T* source = from + at[1];
    constexpr int64_t tile = 64;
    for (int64_t left = 0; left < n; left += tile) {
      const int64_t width = std::min(tile, n - left);
      typename Accumulator<T>::type total[tile] = {};
      for (int64_t i = 0; i < length; ++i)
        for (int64_t j = 0; j < width; ++j) {
          total[j] += source[i * from_step + (left + j) * from_across];
          first[i * to_step + (left + j) * to_across] = T(total[j]);
        }
    }
  });
}

}  // namespace

Tensor cumsum(const Tensor& x, int axis) {
  axis = normalize_axis("cumsum", axis, x.rank());
  check<DTypeError>(!is_reduced_floating(x.dtype()), "[cumsum] does not take ", x.dtype(),
                    "; convert with to(x, DType::f32)");
  if (!is_floating(x.dtype()) && x.dtype() != DType::i64) return cumsum(to(x, DType::i64), axis);
  Tensor out(x.shape(), x.dtype());
  if (out.numel() == 0) return out;
  if (x.dtype() == DType::f32) add_along(out, x, axis, x.data<float>(), out.mutable_data<float>());
  else if (x.dtype() == DType::f64) add_along(out, x, axis, x.data<double>(), out.mutable_data<double>());
  else
    add_along(out, x, axis, reinterpret_cast<const uint64_t*>(x.data<int64_t>()),
              reinterpret_cast<uint64_t*>(out.mutable_data<int64_t>()));
  return out;
}

}  // namespace ditharos::kernels
