#include <ditharos/nn/recurrent/steps.h>

#include <cmath>

#include <ditharos/autograd/ops.h>
#include <ditharos/nn/init.h>

namespace ditharos::nn {
namespace {

Parameter uniform_parameter(const Shape& shape, double bound, Generator& rng) {
  Parameter parameter(empty(shape));
  init::uniform_(parameter, -bound, bound, rng);
  return parameter;
}

/// The recurrent part of the gates.
Tensor recurrent(const Tensor& h, const RecurrentDirection& w) { return linear(h, w.weight_hh, w.bias_hh); }

std::vector<Tensor> tanh_step(const Tensor& input, const std::vector<Tensor>& states, const RecurrentDirection& w) {
  return {tanh(input + recurrent(states[0], w))};
}

std::vector<Tensor> relu_step(const Tensor& input, const std::vector<Tensor>& states, const RecurrentDirection& w) {
  return {relu(input + recurrent(states[0], w))};
}

}  // namespace

RecurrentDirection::RecurrentDirection(int64_t gates, int64_t input_size, int64_t hidden_size, bool bias,
                                       Generator& rng) {
  const double bound = 1 / std::sqrt(double(hidden_size));
  const int64_t rows = gates * hidden_size;
  weight_ih = uniform_parameter({rows, input_size}, bound, rng);
  weight_hh = uniform_parameter({rows, hidden_size}, bound, rng);
  if (!bias) return;
  bias_ih = uniform_parameter({rows}, bound, rng);
  bias_hh = uniform_parameter({rows}, bound, rng);
}

void RecurrentDirection::visit(Visitor& v, const std::string& suffix) {
  v(("weight_ih" + suffix).c_str(), weight_ih);
  v(("weight_hh" + suffix).c_str(), weight_hh);
  v(("bias_ih" + suffix).c_str(), bias_ih);
  v(("bias_hh" + suffix).c_str(), bias_hh);
}

RecurrentStep rnn_step(const char* type, const std::string& nonlinearity) {
  check<ConfigError>(nonlinearity == "tanh" || nonlinearity == "relu", "[", type,
                     "] nonlinearity must be \"tanh\" or \"relu\", got \"", nonlinearity, "\"");
  return nonlinearity == "relu" ? relu_step : tanh_step;
}

std::vector<Tensor> gru_step(const Tensor& input, const std::vector<Tensor>& states, const RecurrentDirection& w) {
  const Tensor &h = states[0], from_h = recurrent(h, w);
  const int64_t size = h.size(1);
  const Tensor r_and_z = sigmoid(slice(input, 1, 0, 2 * size) + slice(from_h, 1, 0, 2 * size));
  const Tensor r = slice(r_and_z, 1, 0, size), z = slice(r_and_z, 1, size, 2 * size);
  const Tensor n = tanh(slice(input, 1, 2 * size, 3 * size) + r * slice(from_h, 1, 2 * size, 3 * size));
  return {n + z * (h - n)};
}

std::vector<Tensor> lstm_step(const Tensor& input, const std::vector<Tensor>& states, const RecurrentDirection& w) {
  const Tensor gates = input + recurrent(states[0], w);
  const int64_t size = states[0].size(1);
  const Tensor i_and_f = sigmoid(slice(gates, 1, 0, 2 * size));
  const Tensor i = slice(i_and_f, 1, 0, size), f = slice(i_and_f, 1, size, 2 * size);
  const Tensor g = tanh(slice(gates, 1, 2 * size, 3 * size)), o = sigmoid(slice(gates, 1, 3 * size, 4 * size));
  const Tensor c = f * states[1] + i * g;
  return {o * tanh(c), c};
}

}  // namespace ditharos::nn
