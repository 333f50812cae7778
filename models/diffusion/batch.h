#pragma once
// Helpers for batches in which every sample has a time and a condition of its own.
#include <vector>

#include <ditharos/autograd/ops.h>

namespace ditharos::models {

/// One value per sample, as a tensor that broadcasts over the samples of x: [B, 1, ..., 1], in x's dtype.
inline Tensor per_sample(const std::vector<double>& values, const Tensor& x) {
  Shape shape = Shape::filled(x.rank(), 1);
  shape[0] = static_cast<int64_t>(values.size());
  return to(from_vector(values, shape), x.dtype());
}

/// Mean over all axes but the first: [B, ...] -> [B].
inline Tensor mean_per_sample(const Tensor& x) { return mean(reshape(x, {x.size(0), -1}), {1}); }

/// "No condition" for a batch like `conditions` (i64 [B, ...]): null_condition, that of one sample, for every sample.
/// ShapeError or DTypeError when the two do not go together.
inline Tensor no_condition(const Tensor& conditions, const Tensor& null_condition) {
  check<ConfigError>(null_condition.defined(), "conditions cannot be dropped: no null_condition was given");
  check<DTypeError>(conditions.dtype() == DType::i64 && null_condition.dtype() == DType::i64,
                    "conditions and null_condition must be i64, got ", conditions.dtype(), " and ",
                    null_condition.dtype());
  Shape one = null_condition.shape();
  one.insert(0, conditions.rank() > 0 ? conditions.size(0) : 1);
  check<ShapeError>(one == conditions.shape(), "null_condition must have the shape of one sample's condition; it has ",
                    null_condition.shape(), ", the batch ", conditions.shape());
  return expand(unsqueeze(null_condition, 0), conditions.shape());
}

}  // namespace ditharos::models
