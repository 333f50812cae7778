#pragma once
// The largest element of each window, along any number of axes up to three.
#include <vector>

#include <ditharos/tensor/tensor.h>

namespace ditharos::kernels {

/// The windows along one axis of `inputs` elements: window o has the elements begin[o], begin[o] + step, ... below
/// end[o], at least one.
struct WindowAxis {
  int64_t inputs = 1, step = 1;
  std::vector<int64_t> begin = {0}, end = {1};

  int64_t outputs() const { return static_cast<int64_t>(begin.size()); }
  /// Window o has the elements from floor(o in/out) to ceil((o + 1) in/out): windows that cover the axis evenly.
  static WindowAxis adaptive(int64_t inputs, int64_t outputs);
};

/// The largest element of each window over the last axes of x, one for each of `axes` (one to three). The first of
/// equal elements wins, NaN beats all. `index`, if not null, receives the row-major position within those axes, i64, in
/// the shape of the result.
Tensor max_pool(const char* op, const Tensor& x, const std::vector<WindowAxis>& axes, Tensor* index);

}  // namespace ditharos::kernels
