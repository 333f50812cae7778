#pragma once
#include <functional>

#include <ditharos/tensor/tensor.h>

namespace ditharos::models {

/// Called after each sampling step with the number of steps done, their total, and the samples so far. May throw to
/// stop.
using SamplingProgress = std::function<void(int64_t done, int64_t total, const Tensor& x)>;

}  // namespace ditharos::models
