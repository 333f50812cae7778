// Comparisons and the selection between two tensors: the elementwise kernels whose operands differ in type.
#include <ditharos/tensor/kernels/pointwise/select.h>

#include <ditharos/tensor/kernels/loop_nest.h>
#include <ditharos/tensor/kernels/pointwise/pointwise.h>

namespace ditharos::kernels {
namespace {

const char* name_of(Compare op) {
  constexpr const char* names[] = {"equal", "not_equal", "less", "less_equal", "greater", "greater_equal"};
  return names[static_cast<int>(op)];
}

template <class T, class F>
void compare_elements(const Tensor& out, const Tensor& a, const Tensor& b, const F& holds) {
  bool* result = out.mutable_data<bool>();
  const T *left = a.data<T>(), *right = b.data<T>();
  const Shape& shape = out.shape();
  const LoopNest nest(shape, {out.strides(), broadcast_strides(a, shape), broadcast_strides(b, shape)});
  const int64_t so = nest.inner_stride(0), sa = nest.inner_stride(1), sb = nest.inner_stride(2);
  for_each_row(nest, elementwise_grain, [&](int64_t n, const int64_t* at) {
    for (int64_t i = 0; i < n; ++i) result[at[0] + i * so] = holds(left[at[1] + i * sa], right[at[2] + i * sb]);
  });
}

/// The common layouts. Both branches are read at every element and the flags are read as bytes, so that the loop
/// vectorises.
template <class T, int64_t left_stride, int64_t right_stride>
void select_row(int64_t n, T* out, const bool* take_left, const T* left, const T* right) {
  const auto* flags = reinterpret_cast<const unsigned char*>(take_left);
#pragma omp simd
  for (int64_t i = 0; i < n; ++i) {
    T l = left[i * left_stride], r = right[i * right_stride];
    out[i] = flags[i] != 0 ? T(l) : T(r);
  }
}

/// The type in which values are compared: bfloat16 and float16 have no comparison of their own.
template <class T>
T comparable(T x) {
  return x;
}
float comparable(bfloat16 x) { return static_cast<float>(x); }
float comparable(float16 x) { return static_cast<float>(x); }

}  // namespace

Tensor compare(Compare op, const Tensor& a, const Tensor& b) {
  check<DTypeError>(a.dtype() == b.dtype(), "[", name_of(op), "] both tensors need one dtype, got ", a.dtype(), " and ",
                    b.dtype());
  Tensor out(broadcast_shapes(name_of(op), a.shape(), b.shape()), DType::boolean);
  if (out.numel() == 0) return out;
  visit_dtype(a.dtype(), [&](auto zero) {
    using T = decltype(zero);
    const auto run = [&](const auto& holds) {
      compare_elements<T>(out, a, b, [&](T x, T y) { return holds(comparable(x), comparable(y)); });
    };
    switch (op) {
      case Compare::eq: return run([](auto x, auto y) { return x == y; });
      case Compare::ne: return run([](auto x, auto y) { return x != y; });
      case Compare::lt: return run([](auto x, auto y) { return x < y; });
      case Compare::le: return run([](auto x, auto y) { return x <= y; });
      case Compare::gt: return run([](auto x, auto y) { return x > y; });
      case Compare::ge: return run([](auto x, auto y) { return x >= y; });
    }
  });
  return out;
}

Tensor where(const Tensor& condition, const Tensor& a, const Tensor& b) {
  check<DTypeError>(condition.dtype() == DType::boolean, "[where] the condition must be bool, got ", condition.dtype());
  check<DTypeError>(a.dtype() == b.dtype(), "[where] both branches need one dtype, got ", a.dtype(), " and ",
                    b.dtype());
  const Shape shape = broadcast_shapes("where", condition.shape(), broadcast_shapes("where", a.shape(), b.shape()));
  Tensor out(shape, a.dtype());
  if (out.numel() == 0) return out;
  visit_dtype(a.dtype(), [&](auto zero) {
    using T = decltype(zero);
    T* result = out.mutable_data<T>();
    const bool* chosen = condition.data<bool>();
    const T *left = a.data<T>(), *right = b.data<T>();
    const LoopNest nest(shape, {out.strides(), broadcast_strides(condition, shape), broadcast_strides(a, shape),
                                broadcast_strides(b, shape)});
    const int64_t so = nest.inner_stride(0), sc = nest.inner_stride(1);
    const int64_t sa = nest.inner_stride(2), sb = nest.inner_stride(3);
    for_each_row(nest, elementwise_grain, [&](int64_t n, const int64_t* at) {
      T* to = result + at[0];
      const bool* take_left = chosen + at[1];
      const T *l = left + at[2], *r = right + at[3];
      if (so == 1 && sc == 1 && sa == 1 && sb == 1) select_row<T, 1, 1>(n, to, take_left, l, r);
      else if (so == 1 && sc == 1 && sa == 1 && sb == 0) select_row<T, 1, 0>(n, to, take_left, l, r);
      else if (so == 1 && sc == 1 && sa == 0 && sb == 1) select_row<T, 0, 1>(n, to, take_left, l, r);
      else
        for (int64_t i = 0; i < n; ++i) to[i * so] = take_left[i * sc] ? l[i * sa] : r[i * sb];
    });
  });
  return out;
}

}  // namespace ditharos::kernels
