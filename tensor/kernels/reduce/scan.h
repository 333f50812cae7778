#pragma once
// Running sums.
#include <ditharos/tensor/tensor.h>

namespace ditharos::kernels {

/// out[i] = x[0] + ... + x[i] along `axis`, added in that order, f32 in double. Integers and booleans add up in i64.
Tensor cumsum(const Tensor& x, int axis);

}  // namespace ditharos::kernels
