#include <ditharos/nn/recurrent/recurrent.h>

#include <ditharos/autograd/ops.h>

namespace ditharos::nn {
RecurrentWeights::RecurrentWeights(const char* type, int64_t gates, int64_t input_size, int64_t hidden_size,
                                   const RecurrentOptions& options, Generator& rng)
    : input_size_(input_size), hidden_size_(hidden_size), options_(options) {
  check<ConfigError>(input_size >= 1 && hidden_size >= 1 && options.num_layers >= 1, "[", type,
                     "] input_size, hidden_size and num_layers must be at least 1, got ", input_size, ", ", hidden_size,
                     " and ", options.num_layers);
  check<ConfigError>(options.dropout >= 0 && options.dropout < 1, "[", type, "] the dropout probability must be in ",
                     "[0, 1), got ", options.dropout);
  check<ConfigError>(options.dropout == 0 || options.num_layers > 1, "[", type, "] dropout is between layers, and ",
                     "there is one layer");
  check<ConfigError>(options.proj_size == 0 || gates == 4, "[", type, "] proj_size is an option of LSTM alone, got ",
                     options.proj_size);
  check<ConfigError>(options.proj_size >= 0 && options.proj_size < hidden_size, "[", type,
                     "] proj_size must be in [0, hidden_size = ", hidden_size, "), got ", options.proj_size);
  for (int64_t k = 0; k < options.num_layers * directions(); ++k) {
    const int64_t in = k < directions() ? input_size : directions() * output_size();
    weights_.emplace_back(gates, in, hidden_size, options.bias, rng, options.proj_size);
  }
}

void RecurrentWeights::visit(Visitor& v) {
  for (size_t k = 0; k < weights_.size(); ++k) {
    const size_t layer = k / size_t(directions());
    weights_[k].visit(v, "_l" + std::to_string(layer) + (k % size_t(directions()) ? "_reverse" : ""));
  }
}

const RecurrentDirection& RecurrentWeights::at(int64_t layer, int64_t direction) const {
  check<ShapeError>(layer >= 0 && layer < options_.num_layers && direction >= 0 && direction < directions(),
                    "there is no direction ", direction, " of a layer ", layer, ": there are ", options_.num_layers,
                    " layers of ", directions(), " directions");
  return weights_[size_t(layer * directions() + direction)];
}

std::vector<Tensor> RecurrentWeights::run(const char* type, const Tensor& input, const std::vector<Tensor>& initial,
                                          bool training, RecurrentStep step) const {
  check(!weights_.empty(), "[", type, "] the nn::", type,
        " has no weights: it was made by the default constructor; construct it with its sizes");
  const bool batched = input.rank() == 3;
  check<ShapeError>((batched || input.rank() == 2) && input.size(-1) == input_size_, "[", type, "] needs x ",
                    options_.batch_first ? "[B, T, " : "[T, B, ", input_size_, "] or [T, ", input_size_, "], got ",
                    input.shape());
  Tensor x = !batched ? unsqueeze(input, 1) : options_.batch_first ? transpose(input, 0, 1) : input;  // [T, B, in]
  check<ShapeError>(x.size(0) >= 1, "[", type, "] a sequence needs at least one step, got x ", input.shape());
  const int64_t count = int64_t(weights_.size()), batch = x.size(1);
  const auto size_of = [&](size_t kind) { return kind == 0 ? output_size() : hidden_size_; };
  const auto shape_of = [&](size_t kind) {
    return batched ? Shape{count, batch, size_of(kind)} : Shape{count, size_of(kind)};
  };
  std::vector<std::vector<Tensor>> last(initial.size());  // by kind of state, then by layer and direction
  for (size_t i = 0; i < initial.size(); ++i)
    check<ShapeError>(!initial[i].defined() || initial[i].shape() == shape_of(i), "[", type,
                      "] the initial state must be ", shape_of(i), ", got ",
                      initial[i].defined() ? initial[i].shape() : Shape{});
  for (int64_t layer = 0; layer < options_.num_layers; ++layer) {
    if (layer > 0 && training && options_.dropout > 0) x = dropout(x, options_.dropout, default_generator());
    std::vector<Tensor> outputs;
    for (int64_t direction = 0; direction < directions(); ++direction) {
      const int64_t k = layer * directions() + direction;
      std::vector<Tensor> states;
      for (size_t i = 0; i < initial.size(); ++i) {
        const Shape shape{batch, size_of(i)};
        states.push_back(initial[i].defined() ? reshape(select(initial[i], 0, k), shape) : zeros(shape, x.dtype()));
      }
      const RecurrentDirection& w = weights_[size_t(k)];
      const bool reverse = direction == 1;
      outputs.push_back(step == lstm_step ? run_lstm(x, w, reverse, states) : run_steps(x, w, reverse, states, step));
      for (size_t i = 0; i < states.size(); ++i) last[i].push_back(states[i]);
    }
    x = outputs.size() == 1 ? outputs[0] : cat(outputs, 2);
  }
  std::vector<Tensor> results{!batched ? squeeze(x, 1) : options_.batch_first ? transpose(x, 0, 1) : x};
  for (size_t i = 0; i < last.size(); ++i) results.push_back(reshape(stack(last[i], 0), shape_of(i)));
  return results;
}

RNN::RNN(int64_t input_size, int64_t hidden_size, const RecurrentOptions& options, Generator& rng)
    : weights_("RNN", 1, input_size, hidden_size, options, rng) {
  static_cast<void>(rnn_step("RNN", options.nonlinearity));
}

RecurrentResult RNN::forward(const Tensor& x, const Tensor& h_0) const {
  const RecurrentStep step = rnn_step("RNN", weights_.options().nonlinearity);
  const std::vector<Tensor> results = weights_.run("RNN", x, {h_0}, is_training(), step);
  return {run_hooks(results[0]), results[1]};
}

GRU::GRU(int64_t input_size, int64_t hidden_size, const RecurrentOptions& options, Generator& rng)
    : weights_("GRU", 3, input_size, hidden_size, options, rng) {}

RecurrentResult GRU::forward(const Tensor& x, const Tensor& h_0) const {
  const std::vector<Tensor> results = weights_.run("GRU", x, {h_0}, is_training(), gru_step);
  return {run_hooks(results[0]), results[1]};
}

LSTM::LSTM(int64_t input_size, int64_t hidden_size, const RecurrentOptions& options, Generator& rng)
    : weights_("LSTM", 4, input_size, hidden_size, options, rng) {}

LSTMResult LSTM::forward(const Tensor& x, const LSTMState& state) const {
  const std::vector<Tensor> results = weights_.run("LSTM", x, {state.h, state.c}, is_training(), lstm_step);
  return {run_hooks(results[0]), {results[1], results[2]}};
}

}  // namespace ditharos::nn
