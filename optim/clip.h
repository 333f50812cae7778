#pragma once
// Clipping by the global norm of all gradients (Pascanu, Mikolov and Bengio 2013).
#include <ditharos/nn/module.h>

namespace ditharos::optim {

struct GradNorm {
  double norm;    ///< sqrt of the sum of squares over all gradients, accumulated in double
  double factor;  ///< what scales the gradients: min(1, max_norm / (norm + 1e-6)), as in PyTorch
};

/// Computes both; the gradients stay as they are, since Optimizer::step() applies the factor in its own pass. An
/// infinite max_norm only measures. Parameters without a gradient count as zero, one listed twice counts once. Throws
/// Error, naming the parameter, when a gradient is not finite.
GradNorm clip_grad_norm(const nn::NamedTensors& parameters, double max_norm);

}  // namespace ditharos::optim
