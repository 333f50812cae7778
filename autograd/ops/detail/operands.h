#pragma once
// Internal to autograd/ops/.
// Checks of operands for composite operations, with the name of the operation that the user called; and the factors of
// a product that have to be saved.
#include <ditharos/autograd/autocast.h>
#include <ditharos/autograd/node.h>
#include <ditharos/autograd/ops.h>

namespace ditharos {

/// DTypeError for two operands of different dtypes. An undefined operand, an optional one that was left out, is not
/// checked.
inline void check_one_dtype(const char* op, const char* a_name, const Tensor& a, const char* b_name, const Tensor& b) {
  if (!a.defined() || !b.defined()) return;
  check<DTypeError>(a.dtype() == b.dtype(), "[", op, "] ", a_name, " is ", a.dtype(), ", ", b_name, " is ", b.dtype(),
                    "; convert one of them");
}

/// Rounds the operands of a product to bf16 in an Autocast scope, and where one of them is bf16 already. Not where one
/// is neither f32 nor bf16: the operation refuses or takes them as they are.
template <class... Operands>
void round_operands(Operands&... x) {
  const bool reduced = autocast_dtype() == DType::bf16 || (... || (x.dtype() == DType::bf16));
  if (!reduced || !(... && (x.dtype() == DType::f32 || x.dtype() == DType::bf16))) return;
  (..., void(x = to(x, DType::bf16)));
}

/// The same for a linear layer's input and weight, but a weight in f32 stays as it is: the product rounds it while it
/// reads it, and nothing but the weight is kept for the backward pass.
inline void round_input(Tensor& x, Tensor& weight) {
  if (weight.dtype() != DType::f32) return round_operands(x, weight);
  if (x.dtype() == DType::f32 && autocast_dtype() == DType::bf16) x = to(x, DType::bf16);
}

/// A result in bf16 as f32, for a program. It can be made again from the other, so that nothing but that is kept for
/// the backward pass.
inline Tensor widened(const Tensor& y) { return y.dtype() == DType::bf16 ? to(y, DType::f32) : y; }

/// For a product of inputs 0 and 1: each factor is saved only if the other one needs a gradient.
inline Save save_factors(const Tensor& a, const Tensor& b) {
  return (needs_grad(b) ? save_input(0) : save_nothing) | (needs_grad(a) ? save_input(1) : save_nothing);
}

}  // namespace ditharos
