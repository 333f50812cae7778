#pragma once
// Running sums, products and extremes.
#include <ditharos/tensor/tensor.h>

namespace ditharos::kernels {

/// out[i] = x[0] + ... + x[i] along `axis`, added in that order, f32 in double. Integers and booleans add up in i64.
/// `from_end`: out[i] = x[n - 1] + ... + x[i], added in that order.
Tensor cumsum(const Tensor& x, int axis, bool from_end = false);
/// The same for products.
Tensor cumprod(const Tensor& x, int axis);
/// ln(e^x[0] + ... + e^x[i]) along `axis`, relative to the largest so far, in double.
Tensor logcumsumexp(const Tensor& x, int axis);
/// The gradient of x for that of y = logcumsumexp(x): sum over j >= i of grad[j] e^(x[i] - y[j]).
Tensor logcumsumexp_backward(const Tensor& grad, const Tensor& x, const Tensor& y, int axis);
/// Index (i64) of the largest or smallest of x[0] ... x[i] along `axis`, the last among equal ones. NaN wins.
Tensor cumulative_argmax(const char* op, const Tensor& x, int axis);
Tensor cumulative_argmin(const char* op, const Tensor& x, int axis);

}  // namespace ditharos::kernels
