#pragma once
// Copies between layouts and element types.
#include <vector>

#include <ditharos/tensor/tensor.h>

namespace ditharos::kernels {

/// A contiguous copy in `dtype`. Float to integer truncates (clamped to the range, NaN to 0); to boolean is "not zero".
Tensor to(const Tensor& x, DType dtype);
/// x itself if it has the dtype, else to(x, dtype).
Tensor to_dtype(const Tensor& x, DType dtype);
/// x itself when it is contiguous, else a contiguous copy.
Tensor contiguous(const Tensor& x);
/// dst[...] = src[...] for equal shapes, any strides and dtypes; dst is mutated. The two must not overlap.
void copy_into(const Tensor& dst, const Tensor& src);
void fill(const Tensor& dst, double value);
/// Concatenates along `axis`; all other sizes equal.
Tensor cat(const std::vector<Tensor>& parts, int axis);
/// A copy with the order of the elements along `axes` reversed.
Tensor flip(const Tensor& x, const Axes& axes);

}  // namespace ditharos::kernels
