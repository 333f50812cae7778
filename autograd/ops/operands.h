#pragma once
// Internal to autograd/ops/.
// Operands: checks in the name of the operation that the user called, for operations that are made of others; and what
// to keep of the factors of a product.
#include <ditharos/autograd/node.h>

namespace ditharos {

/// Refuses two operands of different dtypes. An undefined one, an optional operand that was left out, passes.
inline void check_one_dtype(const char* op, const char* a_name, const Tensor& a, const char* b_name, const Tensor& b) {
  if (!a.defined() || !b.defined()) return;
  check<DTypeError>(a.dtype() == b.dtype(), "[", op, "] ", a_name, " is ", a.dtype(), ", ", b_name, " is ", b.dtype(),
                    "; convert one of them");
}

/// For a product of inputs 0 and 1: each factor is kept only for the other one's gradient.
inline Save save_factors(const Tensor& a, const Tensor& b) {
  return (needs_grad(b) ? save_input(0) : save_nothing) | (needs_grad(a) ? save_input(1) : save_nothing);
}

}  // namespace ditharos
