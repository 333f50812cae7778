#pragma once
// The energy distance between two sets of points (Szekely and Rizzo 2013).
#include <ditharos/tensor/tensor.h>

namespace ditharos::models {

/// 2 E|x - y| - E|x - x'| - E|y - y'| for points x [N, D] and y [M, D], with all pairs in each mean: 0 for equal sets,
/// and positive otherwise. Two sets of N points of one distribution have a distance of order 1/N. ShapeError unless
/// both are matrices of one width with at least one row; DTypeError unless both are f32, or f64.
[[nodiscard]] double energy_distance(const Tensor& x, const Tensor& y);

}  // namespace ditharos::models
