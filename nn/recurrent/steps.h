#pragma once
#include <string>
#include <vector>

#include <ditharos/nn/module.h>
#include <ditharos/tensor/random.h>

namespace ditharos::nn {

/// The weights of one recurrent layer in one direction: weight_ih [gates H, in], weight_hh [gates H, H], bias_ih and
/// bias_hh [gates H] or undefined. They start uniform in +-1 / sqrt(H).
struct RecurrentDirection {
  RecurrentDirection() = default;
  RecurrentDirection(int64_t gates, int64_t input_size, int64_t hidden_size, bool bias, Generator& rng);
  /// Lists them under their names with a suffix.
  void visit(Visitor& v, const std::string& suffix);

  Parameter weight_ih, weight_hh, bias_ih, bias_hh;
};

/// What a step computes: the next states from the projected input of the step, linear(x, weight_ih, bias_ih), [B, gates
/// H], and the states before it, [B, H] each. The first state is the output.
using RecurrentStep = std::vector<Tensor> (*)(const Tensor& input, const std::vector<Tensor>& states,
                                              const RecurrentDirection& weights);
/// Of one gate. ConfigError in the name of `type` unless the nonlinearity is "tanh" or "relu".
[[nodiscard]] RecurrentStep rnn_step(const char* type, const std::string& nonlinearity);
/// Of three gates, and of four with two states, h and c.
[[nodiscard]] std::vector<Tensor> gru_step(const Tensor& input, const std::vector<Tensor>& states,
                                           const RecurrentDirection& weights);
[[nodiscard]] std::vector<Tensor> lstm_step(const Tensor& input, const std::vector<Tensor>& states,
                                            const RecurrentDirection& weights);

}  // namespace ditharos::nn
