#include <ditharos/tensor/factory.h>

#include <algorithm>
#include <cmath>

#include <ditharos/tensor/checked.h>
#include <ditharos/tensor/kernels/copy/copy.h>
#include <ditharos/tensor/kernels/pointwise/convert.h>

namespace ditharos {
namespace {

/// A vector whose element i is f(i), computed in double and converted.
template <class F>
Tensor generate(int64_t n, DType dtype, const F& f) {
  Tensor out({n}, dtype);
  visit_dtype(dtype, [&](auto zero) {
    using T = decltype(zero);
    T* p = out.mutable_data<T>();
    for (int64_t i = 0; i < n; ++i) p[i] = kernels::convert<T>(f(i));
  });
  return out;
}

}  // namespace

Tensor empty(const Shape& shape, DType dtype) { return Tensor(shape, dtype); }
Tensor zeros(const Shape& shape, DType dtype) { return full(shape, 0, dtype); }
Tensor ones(const Shape& shape, DType dtype) { return full(shape, 1, dtype); }

Tensor full(const Shape& shape, double value, DType dtype) {
  Tensor out(shape, dtype);
  kernels::fill(out, value);
  return out;
}

Tensor scalar(double value, DType dtype) { return full({}, value, dtype); }

Tensor arange(int64_t n, DType dtype) {
  check<ShapeError>(n >= 0, "[arange] the length cannot be negative, got ", n);
  return generate(n, dtype, [](int64_t i) { return i; });
}

Tensor arange(double first, double end, double step, DType dtype) {
  const double count = std::ceil((end - first) / step);
  check<ConfigError>(step != 0 && std::isfinite(count), "[arange] there is no sequence from ", first, " to ", end,
                     " in steps of ", step);
  check<ShapeError>(count <= double(max_size), "[arange] from ", first, " to ", end, " in steps of ", step,
                    " are more elements than memory can hold");
  return generate(count > 0 ? int64_t(count) : 0, dtype,
                  [&](int64_t i) { return first + step * static_cast<double>(i); });
}

Tensor linspace(double first, double last, int64_t n, DType dtype) {
  check<ShapeError>(n >= 0, "[linspace] the number of points cannot be negative, got ", n);
  // Each half is counted from its own end, so that both ends are exact and the points lie symmetrically.
  return generate(n, dtype, [&](int64_t i) {
    if (n == 1) return first;
    const double step = (last - first) / static_cast<double>(n - 1);
    return i < n / 2 ? first + step * static_cast<double>(i) : last - step * static_cast<double>(n - 1 - i);
  });
}

Tensor eye(int64_t n, DType dtype) {
  check<ShapeError>(n >= 0, "[eye] the size cannot be negative, got ", n);
  Tensor out = zeros({n, n}, dtype);
  const Tensor diagonal(out.storage(), {n}, {n + 1}, 0, dtype);
  kernels::fill(diagonal, 1);
  return out;
}

template <Element T>
Tensor from_vector(const std::vector<T>& values, const Shape& shape) {
  check<ShapeError>(int64_t(values.size()) == numel(shape), "[from_vector] ", values.size(),
                    " values do not fill shape ", shape);
  Tensor out(shape, dtype_of<T>);
  std::copy(values.begin(), values.end(), out.mutable_data<T>());
  return out;
}
template Tensor from_vector(const std::vector<float>&, const Shape&);
template Tensor from_vector(const std::vector<double>&, const Shape&);
template Tensor from_vector(const std::vector<bfloat16>&, const Shape&);
template Tensor from_vector(const std::vector<float16>&, const Shape&);
template Tensor from_vector(const std::vector<int64_t>&, const Shape&);
template Tensor from_vector(const std::vector<int32_t>&, const Shape&);
template Tensor from_vector(const std::vector<uint8_t>&, const Shape&);
template Tensor from_vector(const std::vector<bool>&, const Shape&);

Tensor zeros_like(const Tensor& x) { return zeros(x.shape(), x.dtype()); }
Tensor ones_like(const Tensor& x) { return ones(x.shape(), x.dtype()); }
Tensor full_like(const Tensor& x, double value) { return full(x.shape(), value, x.dtype()); }
Tensor empty_like(const Tensor& x) { return Tensor(x.shape(), x.dtype()); }

}  // namespace ditharos
