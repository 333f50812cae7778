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

/// The elements beyond the edges of a padded axis: the mirror image (the edge itself once), the edge element, or those
/// of the other end.
enum class Edge : uint8_t { reflect, replicate, circular };
/// The element of an axis of `size` that each element of the axis padded with `before` and `after` repeats, i64.
/// Negative numbers cut off.
Tensor padding_indices(Edge edge, int64_t size, int64_t before, int64_t after);

}  // namespace ditharos::kernels
