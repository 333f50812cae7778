#pragma once
// The dtypes of products: linear layers, matrix products, attention, convolutions.
#include <type_traits>
#include <utility>

#include <ditharos/tensor/dtype.h>

namespace ditharos {

/// Products also read bf16. Then they sum in f32, and their results and the gradients of their operands are f32. For
/// other operands, results have the operands' dtype.
[[nodiscard]] inline DType product_dtype(DType of_operands) {
  return of_operands == DType::bf16 ? DType::f32 : of_operands;
}
template <class In>
using ProductOf = std::conditional_t<std::is_same_v<In, bfloat16>, float, In>;

/// The dtype of gradients of tensors of a floating dtype. Those of bf16 and f16 are summed and passed on in f32.
[[nodiscard]] inline DType gradient_dtype(DType of_tensor) {
  return is_reduced_floating(of_tensor) ? DType::f32 : of_tensor;
}

/// Throws DTypeError with `op` unless products read the dtype: f32, f64 or bf16.
inline void check_product_operand(const char* op, DType dtype) { check_floating(op, product_dtype(dtype)); }

/// Calls f(In{}) with the type of the operands. Throws DTypeError with `op` unless products read the dtype.
template <class F>
decltype(auto) visit_product_operand(const char* op, DType dtype, F&& f) {
  if (dtype == DType::bf16) return f(bfloat16{});
  return visit_floating(op, dtype, std::forward<F>(f));
}

}  // namespace ditharos
