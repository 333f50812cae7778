#pragma once
// Small helpers for batches in which every sample has a time of its own.
#include <vector>

#include <ditharos/autograd/ops.h>

namespace ditharos::models {

/// One number a sample, as a tensor that broadcasts over the samples of x: [B, 1, ..., 1], in x's dtype.
inline Tensor per_sample(const std::vector<double>& values, const Tensor& x) {
  Shape shape = Shape::filled(x.rank(), 1);
  shape[0] = static_cast<int64_t>(values.size());
  return to(from_vector(values, shape), x.dtype());
}

/// Mean over all axes but the first: [B, ...] -> [B].
inline Tensor mean_per_sample(const Tensor& x) { return mean(reshape(x, {x.size(0), -1}), {1}); }

}  // namespace ditharos::models
