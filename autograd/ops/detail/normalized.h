#pragma once
// Internal to autograd/ops/.
// The normalisation of the layer, group, batch and RMS norms in public operations, which differentiate to every order.
#include <ditharos/autograd/ops.h>

namespace ditharos {

/// (x - mean) / sqrt(var + eps) over `axes`, or x / sqrt(mean(x^2) + eps) when not `centred`. Right for every finite x,
/// also where the squares overflow.
Tensor normalized(const Tensor& x, const Axes& axes, double eps, bool centred = true);

/// x and factors of shape `sizes` with the last axes of x, which have these sizes, merged into one: [..., N] and [N].
/// Factors may be undefined. ShapeError in the name of `op` for other shapes.
[[nodiscard]] std::vector<Tensor> merged_operands(const char* op, const Tensor& x, const Shape& sizes,
                                                  const std::vector<Tensor>& factors);

}  // namespace ditharos
