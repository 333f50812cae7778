#pragma once
// Tensors made from values.
#include <vector>

#include <ditharos/tensor/tensor.h>

namespace ditharos {

Tensor empty(const Shape& shape, DType dtype = DType::f32);  ///< contents undefined
Tensor zeros(const Shape& shape, DType dtype = DType::f32);
Tensor ones(const Shape& shape, DType dtype = DType::f32);
Tensor full(const Shape& shape, double value, DType dtype = DType::f32);
/// A scalar (rank 0).
Tensor scalar(double value, DType dtype = DType::f32);
/// 0, 1, ..., n-1.
Tensor arange(int64_t n, DType dtype = DType::f32);
/// first, first + step, ... before end; the step is not 0. Each is computed in double.
Tensor arange(double first, double end, double step = 1, DType dtype = DType::f32);
/// n points from first to last, both included, computed in double.
Tensor linspace(double first, double last, int64_t n, DType dtype = DType::f32);
Tensor eye(int64_t n, DType dtype = DType::f32);

/// A copy of `values` in row-major order, of their type; ShapeError unless their number fits.
template <Element T>
Tensor from_vector(const std::vector<T>& values, const Shape& shape);
/// The same with the shape [values.size()].
template <Element T>
Tensor from_vector(const std::vector<T>& values) {
  return from_vector(values, {int64_t(values.size())});
}

Tensor zeros_like(const Tensor& x);
Tensor ones_like(const Tensor& x);
Tensor empty_like(const Tensor& x);
Tensor full_like(const Tensor& x, double value);

}  // namespace ditharos
