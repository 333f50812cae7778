#pragma once
// Internal to autograd/ops/.
// Checks of operands in the name of the operation that the user called, for operations that are made of others.
#include <ditharos/tensor/tensor.h>

namespace ditharos {

/// Refuses two operands of different dtypes. An undefined one, an optional operand that was left out, passes.
inline void check_one_dtype(const char* op, const char* a_name, const Tensor& a, const char* b_name, const Tensor& b) {
  if (!a.defined() || !b.defined()) return;
  check<DTypeError>(a.dtype() == b.dtype(), "[", op, "] ", a_name, " is ", a.dtype(), ", ", b_name, " is ", b.dtype(),
                    "; convert one of them");
}

}  // namespace ditharos
