#pragma once
// PyTorch's names for random tensors. Each function draws from default_generator() unless a generator is given.
#include <ditharos/tensor/draws/default_generator.h>

namespace ditharos {

/// Uniform in [0, 1).
inline Tensor rand(const Shape& shape, DType dtype = DType::f32, Generator& rng = default_generator()) {
  return rng.uniform(shape, dtype);
}
/// Normal with mean 0 and variance 1.
inline Tensor randn(const Shape& shape, DType dtype = DType::f32, Generator& rng = default_generator()) {
  return rng.normal(shape, dtype);
}
/// The same in the shape and dtype of `x`.
inline Tensor rand_like(const Tensor& x, Generator& rng = default_generator()) {
  return rng.uniform(x.shape(), x.dtype());
}
inline Tensor randn_like(const Tensor& x, Generator& rng = default_generator()) {
  return rng.normal(x.shape(), x.dtype());
}
/// Whole numbers in [low, high), i64.
inline Tensor randint(int64_t low, int64_t high, const Shape& shape, Generator& rng = default_generator()) {
  return rng.randint(low, high, shape);
}
/// A permutation of 0..n-1, i64.
inline Tensor randperm(int64_t n, Generator& rng = default_generator()) { return rng.permutation(n); }

}  // namespace ditharos
