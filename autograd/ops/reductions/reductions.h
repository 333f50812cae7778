#pragma once
// Reductions and scans beyond those of ops.h, under PyTorch's names. `axes` empty: all.
#include <cstdint>

#include <ditharos/autograd/ops/sorting/sorting.h>
#include <ditharos/tensor/tensor.h>

namespace ditharos {

// --- logic (reductions.cpp): booleans without a gradient; any dtype, where numbers count as true unless they are 0 ---
Tensor any(const Tensor& x, const AxisOrAxes& axes = {}, bool keepdim = false);  ///< false for no elements
Tensor all(const Tensor& x, const AxisOrAxes& axes = {}, bool keepdim = false);  ///< true for no elements
Tensor count_nonzero(const Tensor& x, const Axes& axes = {});                    ///< i64

// --- statistics and extremes (reductions.cpp) ---
/// Variance and standard deviation with divisor n - correction, 1 as in PyTorch (variance() has 0).
Tensor var(const Tensor& x, const Axes& axes = {}, int64_t correction = 1, bool keepdim = false);
Tensor std(const Tensor& x, const Axes& axes = {}, int64_t correction = 1, bool keepdim = false);
Tensor max(const Tensor& x);  ///< of all elements; ties share the gradient equally
Tensor min(const Tensor& x);
Tensor argmax(const Tensor& x);  ///< row-major index of the first largest element, i64
Tensor argmin(const Tensor& x);

// --- without NaN (nan_reductions.cpp); the gradient of a NaN is 0 ---
Tensor nansum(const Tensor& x, const AxisOrAxes& axes = {}, bool keepdim = false);   ///< NaN counts as 0
Tensor nanmean(const Tensor& x, const AxisOrAxes& axes = {}, bool keepdim = false);  ///< NaN where all elements are

// --- scans along an axis (scans.cpp) ---
Tensor cumprod(const Tensor& x, int axis);       ///< right for zeros; integers give i64
Tensor logcumsumexp(const Tensor& x, int axis);  ///< ln(cumsum(e^x))
/// The largest or smallest element so far and its index: among equal ones the last, which gets the gradient.
ValuesAndIndices cummax(const Tensor& x, int axis);
ValuesAndIndices cummin(const Tensor& x, int axis);
/// Differences of neighbours, n times.
Tensor diff(const Tensor& x, int64_t n = 1, int axis = -1);

}  // namespace ditharos
