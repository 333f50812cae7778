#include <ditharos/nn/recurrent/steps.h>

#include <cmath>

#include <ditharos/autograd/autocast.h>
#include <ditharos/autograd/ops.h>
#include <ditharos/autograd/ops/recurrent/recurrent.h>
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

/// True when lstm_steps() computes the steps: it has no projection and reads f32 as it is.
bool is_one_operation(const RecurrentDirection& w) {
  const DType dtype = w.weight_hh.dtype();
  return !w.weight_hr.defined() && (dtype == DType::f64 || (dtype == DType::f32 && autocast_dtype() == DType::f32));
}

}  // namespace

RecurrentDirection::RecurrentDirection(int64_t gates, int64_t input_size, int64_t hidden_size, bool bias,
                                       Generator& rng, int64_t proj_size) {
  const double bound = 1 / std::sqrt(double(hidden_size));
  const int64_t rows = gates * hidden_size;
  weight_ih = uniform_parameter({rows, input_size}, bound, rng);
  weight_hh = uniform_parameter({rows, proj_size > 0 ? proj_size : hidden_size}, bound, rng);
  if (bias) {
    bias_ih = uniform_parameter({rows}, bound, rng);
    bias_hh = uniform_parameter({rows}, bound, rng);
  }
  if (proj_size > 0) weight_hr = uniform_parameter({proj_size, hidden_size}, bound, rng);
}

void RecurrentDirection::visit(Visitor& v, const std::string& suffix) {
  v(("weight_ih" + suffix).c_str(), weight_ih);
  v(("weight_hh" + suffix).c_str(), weight_hh);
  v(("bias_ih" + suffix).c_str(), bias_ih);
  v(("bias_hh" + suffix).c_str(), bias_hh);
  v(("weight_hr" + suffix).c_str(), weight_hr);
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
  if (is_one_operation(w)) {
    const Tensor biased = w.bias_hh.defined() ? input + w.bias_hh : input;
    const LstmSteps after = lstm_steps(unsqueeze(biased, 0), states[0], states[1], w.weight_hh);
    return {select(after.h, 0, 0), after.c};
  }
  const Tensor gates = input + recurrent(states[0], w);
  const int64_t size = states[1].size(1);
  const Tensor i_and_f = sigmoid(slice(gates, 1, 0, 2 * size));
  const Tensor i = slice(i_and_f, 1, 0, size), f = slice(i_and_f, 1, size, 2 * size);
  const Tensor g = tanh(slice(gates, 1, 2 * size, 3 * size)), o = sigmoid(slice(gates, 1, 3 * size, 4 * size));
  const Tensor c = f * states[1] + i * g, h = o * tanh(c);
  return {w.weight_hr.defined() ? linear(h, w.weight_hr) : h, c};
}

Tensor run_steps(const Tensor& x, const RecurrentDirection& w, bool reverse, std::vector<Tensor>& states,
                 RecurrentStep step) {
  const int64_t steps = x.size(0);
  const Tensor inputs = linear(x, w.weight_ih, w.bias_ih);  // of all steps in one product
  std::vector<Tensor> outputs(static_cast<size_t>(steps));
  for (int64_t k = 0; k < steps; ++k) {
    const int64_t t = reverse ? steps - 1 - k : k;
    states = step(select(inputs, 0, t), states, w);
    outputs[size_t(t)] = states[0];
  }
  return stack(outputs, 0);
}

Tensor run_lstm(const Tensor& x, const RecurrentDirection& w, bool reverse, std::vector<Tensor>& states) {
  if (!is_one_operation(w)) return run_steps(x, w, reverse, states, lstm_step);
  const Tensor bias = w.bias_ih.defined() ? w.bias_ih + w.bias_hh : Tensor{};
  const LstmSteps after = lstm_steps(linear(x, w.weight_ih, bias), states[0], states[1], w.weight_hh, reverse);
  states = {select(after.h, 0, reverse ? 0 : x.size(0) - 1), after.c};
  return after.h;
}

}  // namespace ditharos::nn
