#pragma once
// Step [10]: the loss, its gradients with respect to every learnable parameter, and the loss after a step of SGD.
#include "examples/by_hand/walk.h"

namespace ditharos::by_hand {

/// The numbers in the trace of the matrices that the gradients depend on.
struct GradientInputs {
  int noised, sampled, condition, modulated, wq, wk, q, k, a, pooled, wf, predicted;
};

struct Losses {
  double before = 0, after = 0;
  int difference = 0;  ///< the number of G in the trace
};

/// Adds the section's matrices. Their values come from the backward pass of the model at the noised latent `z`,
/// [1, T, width], and the condition `c`, [1, 3 + bits]; their sums are the formulas of a derivation by hand.
Losses add_gradients(Trace& trace, const Run& run, const GradientInputs& in, const Tensor& z, const Tensor& c);

}  // namespace ditharos::by_hand
