#pragma once
// Elementwise kernels on tensors of any strides; results are contiguous. The value of an element depends only on its
// operands, not on its position in a row or on the number of threads.
#include <ditharos/tensor/kernels/pointwise/pointwise_ops.h>
#include <ditharos/tensor/tensor.h>

namespace ditharos::kernels {

/// y = f(x). All functions support f32 and f64; neg, abs, sign, square, relu, add_scalar, mul_scalar and clamp also
/// i64, i32 and u8 (which wrap around), with whole numbers for alpha and beta.
Tensor unary(Unary op, const Tensor& x, double alpha = 0, double beta = 0);

/// out = f(a, b) with broadcasting; both operands have one dtype. Integers: add, sub, mul, maximum and minimum alone.
Tensor binary(Binary op, const Tensor& a, const Tensor& b);

/// into += x, in place; equal shapes and dtypes.
void accumulate(const Tensor& into, const Tensor& x);
/// x *= alpha, in place.
void scale_in_place(const Tensor& x, double alpha);
/// True when every element is finite.
bool all_finite(const Tensor& x);

}  // namespace ditharos::kernels
