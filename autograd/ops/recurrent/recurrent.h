#pragma once
// Recurrent networks over whole sequences, as one operation. nn::LSTM has the products with the inputs and the layers.
#include <ditharos/tensor/tensor.h>

namespace ditharos {

struct [[nodiscard]] LstmSteps {
  Tensor h;  ///< after the step of each time, [T, B, H]
  Tensor c;  ///< after the last step, [B, H]
};
/// All steps of one layer of an LSTM (Hochreiter and Schmidhuber 1997): with the gates i, f, g, o, the quarters of
/// input_t + weight h, c' = sigmoid(f) c + sigmoid(i) tanh(g) and h' = sigmoid(o) tanh(c'). input [T, B, 4H], T >= 1,
/// is W_ih x and the biases; h and c [B, H] are the states before the first step; weight [4H, H]. `reverse`: the first
/// step is that of time T - 1. All tensors are f32 or all f64; ShapeError and DTypeError otherwise.
LstmSteps lstm_steps(const Tensor& input, const Tensor& h, const Tensor& c, const Tensor& weight, bool reverse = false);

}  // namespace ditharos
