#pragma once
// Internal to autograd/ops/.
// Checks of operands for composite operations, with the name of the operation that the user called; and the factors of
// a product that have to be saved.
#include <cmath>
#include <initializer_list>

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

/// A tensor of integers takes whole numbers alone: nothing is rounded silently.
inline void check_whole_number(const char* op, const Tensor& x, double value) {
  check<DTypeError>(is_floating(x.dtype()) || value == std::floor(value), "[", op, "] a tensor of ", x.dtype(),
                    " takes whole numbers, got ", value, "; convert with to(x, DType::f32)");
}

/// A number as a tensor that x can be combined with.
inline Tensor number_like(const char* op, double value, const Tensor& x) {
  check_whole_number(op, x, value);
  return scalar(value, x.dtype());
}

/// DTypeError unless the operands have one dtype, ShapeError unless they broadcast; their common shape.
inline Shape check_elementwise(const char* op, const Tensor& first, std::initializer_list<Tensor> others) {
  Shape shape = first.shape();
  for (const Tensor& other : others) {
    check<DTypeError>(other.dtype() == first.dtype(), "[", op, "] all tensors need one dtype, got ", first.dtype(),
                      " and ", other.dtype());
    shape = broadcast_shapes(op, shape, other.shape());
  }
  return shape;
}
/// The same for an operation on f32 and f64.
inline Shape check_floating_elementwise(const char* op, const Tensor& first, std::initializer_list<Tensor> others) {
  check_floating(op, first.dtype());
  return check_elementwise(op, first, others);
}

/// The dtype of a result that products alone read: bf16 where they would round it.
inline DType dtype_for_products(const Tensor& x) {
  return x.dtype() == DType::f32 && autocast_dtype() == DType::bf16 ? DType::bf16 : x.dtype();
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
  x = to(x, dtype_for_products(x));
}

/// The gradient of a product's result as the products of the backward pass read it, in the dtype of their other
/// operands. `dbias` receives its sum for the bias, input 2, if that is wanted: sum(dy), or round_and_sum(dy, &rounded)
/// in the pass that rounds it.
template <class Sum, class RoundAndSum>
Tensor gradient_as_read(const Backward& d, DType dtype, const Sum& sum, const RoundAndSum& round_and_sum,
                        Tensor* dbias) {
  Tensor dy = d.rounded_grad();
  if (dy.dtype() == dtype) *dbias = d.needs(2) ? sum(dy) : Tensor{};
  else if (d.needs(2)) *dbias = round_and_sum(d.rounded_grad(), &dy);
  else dy = to(dy, dtype);
  return dy;
}

/// For a product of inputs 0 and 1: each factor is saved only if the other one needs a gradient.
inline Save save_factors(const Tensor& a, const Tensor& b) {
  return (needs_grad(b) ? save_input(0) : save_nothing) | (needs_grad(a) ? save_input(1) : save_nothing);
}

}  // namespace ditharos
