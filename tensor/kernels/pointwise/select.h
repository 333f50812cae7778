#pragma once
// Comparisons, and the selection between two tensors.
#include <ditharos/tensor/kernels/pointwise/pointwise_ops.h>
#include <ditharos/tensor/tensor.h>

namespace ditharos::kernels {

/// Boolean result, with broadcasting.
Tensor compare(Compare op, const Tensor& a, const Tensor& b);
/// condition ? a : b, with broadcasting; `condition` is boolean. Selects: a NaN in the branch not taken stays out.
Tensor where(const Tensor& condition, const Tensor& a, const Tensor& b);

}  // namespace ditharos::kernels
