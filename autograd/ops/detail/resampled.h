#pragma once
// Internal to autograd/ops/.
// Linear maps along the last axes of a tensor: average pooling and interpolation.
#include <vector>

#include <ditharos/autograd/ops.h>
#include <ditharos/tensor/kernels/index/resample.h>

namespace ditharos {

/// kernels::resample with a rule. The map is linear, so its adjoint is the same map with the transposed taps, to every
/// order.
Tensor resampled(const char* op, const Tensor& x, std::vector<kernels::Taps> taps);

}  // namespace ditharos
