#pragma once
// Tensors as text, in PyTorch's layout.
#include <iosfwd>
#include <string>

#include <ditharos/tensor/tensor.h>

namespace ditharos {

/// "tensor([[1., 2.],\n        [3., 4.]])": four decimals, columns aligned, lines of at most 80 columns. Above 1000
/// elements only the first and last three along each axis. The dtype is named unless it is f32, i64 or bool.
[[nodiscard]] std::string to_text(const Tensor& x);
std::ostream& operator<<(std::ostream& out, const Tensor& x);
std::ostream& operator<<(std::ostream& out, const Shape& shape);  ///< [2, 3]
std::ostream& operator<<(std::ostream& out, DType dtype);         ///< f32

}  // namespace ditharos
