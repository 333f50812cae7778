#pragma once
// Matrix products of tensors.
#include <ditharos/tensor/tensor.h>

namespace ditharos::kernels {

/// matmul(a, b) of any rank with broadcasting over the leading axes; the last two multiply. Vectors as in NumPy. For
/// operands in bf16 the result is f32.
Tensor matmul(const Tensor& a, const Tensor& b);

}  // namespace ditharos::kernels
