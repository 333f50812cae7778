#pragma once
#include <functional>

#include <ditharos/tensor/tensor.h>

namespace ditharos::models {

/// Called after each sampling step with the number of steps done, their total, and the samples: of a Gaussian process
/// the present ones, of a flow the data that its present velocity predicts. May throw to stop.
using SamplingProgress = std::function<void(int64_t done, int64_t total, const Tensor& x)>;

}  // namespace ditharos::models
