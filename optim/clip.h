#pragma once
// Clipping of gradients, by their global norm (Pascanu, Mikolov and Bengio 2013) or element by element.
//
//   loss.backward();
//   optim::clip_grad_norm_(optimizer.parameters(), 1.0);
//   optimizer.step(learning_rate);
//
// A name that ends in an underscore changes the gradients in place, as in PyTorch.
#include <vector>

#include <ditharos/nn/module.h>

namespace ditharos::optim {

/// Scales all gradients by one factor, min(1, max_norm / (norm + 1e-6)), and returns the norm before scaling: the
/// square root of the sum of squares over all gradients, accumulated in double. With an infinite max_norm nothing is
/// scaled. Parameters without a gradient count as zero, one listed twice counts once. Throws Error naming the parameter
/// when a gradient is not finite, AutogradError when a tensor is no leaf; nothing has changed then.
double clip_grad_norm_(const nn::NamedTensors& parameters, double max_norm);

/// Limits every element of every gradient to [-clip_value, clip_value]; clip_value > 0. NaN stays NaN.
void clip_grad_value_(const nn::NamedTensors& parameters, double clip_value);

struct [[nodiscard]] ClipFactor {
  double norm;    ///< sqrt of the sum of squares over all gradients, accumulated in double
  double factor;  ///< min(1, max_norm / (norm + 1e-6))
};
/// The sum of squares of each parameter's gradient, accumulated in double: 0 without a gradient, NaN when elements are
/// not finite, infinity when only the sum is.
[[nodiscard]] std::vector<double> gradient_squares(const nn::NamedTensors& parameters);
/// The norm and the factor for gradients of these squares, one a parameter. Error as from clip_grad_norm_.
ClipFactor clip_factor(const nn::NamedTensors& parameters, const std::vector<double>& squares, double max_norm);
/// The norm and the factor of clip_grad_norm_, without a change of the gradients. Optimizer::step() can apply the
/// factor in its own pass over the gradients, which saves one.
ClipFactor clip_grad_factor(const nn::NamedTensors& parameters, double max_norm);

}  // namespace ditharos::optim
