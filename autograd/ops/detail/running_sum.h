#pragma once
// Internal to autograd/ops/.
#include <ditharos/tensor/tensor.h>

namespace ditharos {

/// cumsum(x, axis), or the sums from the other end, x[n - 1] + ... + x[i]: each is the gradient of the other.
[[nodiscard]] Tensor running_sum(const Tensor& x, int axis, bool from_end);

}  // namespace ditharos
