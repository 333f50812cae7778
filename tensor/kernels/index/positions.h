#pragma once
// Indices that are computed rather than given.
#include <cstdint>

#include <ditharos/tensor/tensor.h>

namespace ditharos::kernels {

/// Positions (i64, row-major) of the true elements of a boolean tensor.
Tensor nonzero(const Tensor& flags);

/// [K, rank], i64: the indices of the elements that are not 0, row-major.
Tensor nonzero_indices(const Tensor& x);
/// i64: each i counts[i] times; counts i64 [N]. ShapeError in the name of `op` for a negative count.
Tensor repeated_indices(const char* op, const Tensor& counts);

}  // namespace ditharos::kernels
