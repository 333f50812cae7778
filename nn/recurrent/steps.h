#pragma once
#include <string>
#include <vector>

#include <ditharos/nn/module.h>
#include <ditharos/tensor/random.h>

namespace ditharos::nn {

/// The weights of one recurrent layer in one direction: weight_ih [gates H, in], weight_hh [gates H, H], bias_ih and
/// bias_hh [gates H] or undefined. With a projection of the hidden state to P numbers, weight_hr is [P, H] and
/// weight_hh [gates H, P]. They start uniform in +-1 / sqrt(H).
struct RecurrentDirection {
  RecurrentDirection() = default;
  RecurrentDirection(int64_t gates, int64_t input_size, int64_t hidden_size, bool bias, Generator& rng,
                     int64_t proj_size = 0);
  /// Lists them under their names with a suffix.
  void visit(Visitor& v, const std::string& suffix);

  Parameter weight_ih, weight_hh, bias_ih, bias_hh, weight_hr;
};

/// What a step computes: the next states from the projected input of the step, linear(x, weight_ih, bias_ih), [B, gates
/// H], and the states before it, [B, H] each. The first state is the output.
using RecurrentStep = std::vector<Tensor> (*)(const Tensor& input, const std::vector<Tensor>& states,
                                              const RecurrentDirection& weights);
/// Of one gate. ConfigError in the name of `type` unless the nonlinearity is "tanh" or "relu".
[[nodiscard]] RecurrentStep rnn_step(const char* type, const std::string& nonlinearity);
/// Of three gates, and of four with two states, h and c; h is [B, P] with a projection.
[[nodiscard]] std::vector<Tensor> gru_step(const Tensor& input, const std::vector<Tensor>& states,
                                           const RecurrentDirection& weights);
[[nodiscard]] std::vector<Tensor> lstm_step(const Tensor& input, const std::vector<Tensor>& states,
                                            const RecurrentDirection& weights);

/// One direction of one layer, x [T, B, in] -> [T, B, H], by its steps. `states` [B, H] each become those after the
/// last step. `reverse`: x is read from its end.
[[nodiscard]] Tensor run_steps(const Tensor& x, const RecurrentDirection& weights, bool reverse,
                               std::vector<Tensor>& states, RecurrentStep step);
/// The same for lstm_step; without a projection and outside of an Autocast scope as one operation.
[[nodiscard]] Tensor run_lstm(const Tensor& x, const RecurrentDirection& weights, bool reverse,
                              std::vector<Tensor>& states);

}  // namespace ditharos::nn
