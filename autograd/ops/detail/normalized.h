#pragma once
// Internal to autograd/ops/.
// The normalisation of the layer, group, batch and RMS norms in public operations, which differentiate to every order.
#include <ditharos/autograd/ops.h>

namespace ditharos {

/// (x - mean) / sqrt(var + eps) over `axes`, or x / sqrt(mean(x^2) + eps) when not `centred`. Right for every finite x,
/// also where the squares overflow.
Tensor normalized(const Tensor& x, const Axes& axes, double eps, bool centred = true);

}  // namespace ditharos
