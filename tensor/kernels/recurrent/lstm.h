#pragma once
// An LSTM over a whole sequence. The products of a step are one call of the matrix library with weights that are packed
// once; the rest of it is one pass. Each tile of the batch runs over all steps on one thread.
#include <ditharos/tensor/tensor.h>

namespace ditharos::kernels {

/// What the backward pass reads of a forward pass, by step.
struct LstmStates {
  Tensor gates;  ///< the arguments of their sigmoids and of tanh, [T, B, 4H]
  Tensor cells;  ///< after each step, [T, B, H]
};

/// Checked operands, of one dtype, f32 or f64: input [T, B, 4H] of W_ih x and the biases, T >= 1; h and c [B, H];
/// weight [4H, H]. Returns [T + 1, B, H]: h after the step of each time, and at T the c after the last step. `reverse`:
/// the first step is that of time T - 1. `states`, if not null, receives them.
Tensor lstm(const Tensor& input, const Tensor& h, const Tensor& c, const Tensor& weight, bool reverse,
            LstmStates* states);

struct LstmGradients {
  Tensor input, h, c;
  Tensor weight;  ///< undefined unless wanted
};
/// From the gradient of the result, `out`.
LstmGradients lstm_backward(const Tensor& grad, const Tensor& out, const LstmStates& states, const Tensor& h,
                            const Tensor& c, const Tensor& weight, bool reverse, bool wants_weight);

}  // namespace ditharos::kernels
