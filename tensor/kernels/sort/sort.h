#pragma once
// Orders of elements. NaN is larger than every number; equal elements keep their order, so that every result is unique.
#include <ditharos/tensor/tensor.h>

namespace ditharos::kernels {

/// Indices (i64) that sort x along `axis`; messages are in the name of `op`.
Tensor argsort(const char* op, const Tensor& x, int axis, bool descending);
/// Indices (i64) of the `count` largest or smallest elements along `axis`, in order.
Tensor top_indices(const char* op, const Tensor& x, int64_t count, int axis, bool largest);

/// For each element of `values`, the number of elements of `sorted` that are smaller, or not larger if `right`; i64.
/// sorted [N], or [..., N] with values [..., M].
Tensor searchsorted(const Tensor& sorted, const Tensor& values, bool right);

/// The distinct elements in increasing order, the index of each element of x among them (x's shape), and their numbers.
struct Distinct {
  Tensor values, inverse, counts;
};
Distinct distinct(const Tensor& x);

}  // namespace ditharos::kernels
