#pragma once
// Single steps of recurrent networks, for loops of one's own. State dict: weight_ih, weight_hh, bias_ih, bias_hh. The
// equations and initial values are those of RNN, GRU and LSTM.
#include <string>
#include <vector>

#include <ditharos/autograd/ops.h>
#include <ditharos/nn/recurrent/recurrent.h>

namespace ditharos::nn {

struct CellOptions {
  bool bias = true;
  std::string nonlinearity = "tanh";  ///< of RNNCell alone; or "relu"
};

/// The common base.
template <class Self>
class RecurrentCell : public Module<Self> {
 public:
  void visit(Visitor& v) override { weights.visit(v, ""); }

  RecurrentDirection weights;

 protected:
  RecurrentCell() = default;
  RecurrentCell(int64_t gates, int64_t input_size, int64_t hidden_size, const CellOptions& options, Generator& rng)
      : input_size_(input_size), hidden_size_(hidden_size) {
    check<ConfigError>(input_size >= 1 && hidden_size >= 1, "[", Self::type,
                       "] input_size and hidden_size must be at least 1, got ", input_size, " and ", hidden_size);
    weights = RecurrentDirection(gates, input_size, hidden_size, options.bias, rng);
  }

  /// The states after x [B, in] or [in]; undefined states are zeros.
  std::vector<Tensor> next(const Tensor& x, const std::vector<Tensor>& states, RecurrentStep step) const {
    check(weights.weight_ih.defined(), "[", Self::type,
          "] it has no weights: it was made by the default constructor; construct it with its sizes");
    check<ShapeError>((x.rank() == 1 || x.rank() == 2) && x.size(-1) == input_size_, "[", Self::type, "] needs x [B, ",
                      input_size_, "] or [", input_size_, "], got ", x.shape());
    const Shape of_state = x.rank() == 2 ? Shape{x.size(0), hidden_size_} : Shape{hidden_size_};
    const Shape batched{x.rank() == 2 ? x.size(0) : 1, hidden_size_};
    std::vector<Tensor> given;
    for (const Tensor& state : states) {
      check<ShapeError>(!state.defined() || state.shape() == of_state, "[", Self::type, "] a state must be ", of_state,
                        ", got ", state.defined() ? state.shape() : of_state);
      given.push_back(state.defined() ? reshape(state, batched) : zeros(batched, x.dtype()));
    }
    std::vector<Tensor> after =
        step(linear(reshape(x, {batched[0], input_size_}), weights.weight_ih, weights.bias_ih), given, weights);
    for (Tensor& state : after) state = reshape(state, of_state);
    return after;
  }

 private:
  int64_t input_size_ = 0, hidden_size_ = 0;
};

/// x [B, input_size] or [input_size], h [B, hidden_size] or [hidden_size], zeros if undefined -> the next h.
class RNNCell : public RecurrentCell<RNNCell> {
 public:
  static constexpr const char* type = "RNNCell";
  RNNCell() = default;
  RNNCell(int64_t input_size, int64_t hidden_size, const CellOptions& options = {},
          Generator& rng = default_generator())
      : RecurrentCell(1, input_size, hidden_size, options, rng), step_(rnn_step(type, options.nonlinearity)) {}
  Tensor forward(const Tensor& x, const Tensor& h = {}) const { return next(x, {h}, step_)[0]; }

 private:
  RecurrentStep step_ = nullptr;
};

/// The same for a GRU.
class GRUCell : public RecurrentCell<GRUCell> {
 public:
  static constexpr const char* type = "GRUCell";
  GRUCell() = default;
  GRUCell(int64_t input_size, int64_t hidden_size, const CellOptions& options = {},
          Generator& rng = default_generator())
      : RecurrentCell(3, input_size, hidden_size, options, rng) {}
  Tensor forward(const Tensor& x, const Tensor& h = {}) const { return next(x, {h}, gru_step)[0]; }
};

/// The same for an LSTM, with h and c.
class LSTMCell : public RecurrentCell<LSTMCell> {
 public:
  static constexpr const char* type = "LSTMCell";
  LSTMCell() = default;
  LSTMCell(int64_t input_size, int64_t hidden_size, const CellOptions& options = {},
           Generator& rng = default_generator())
      : RecurrentCell(4, input_size, hidden_size, options, rng) {}
  LSTMState forward(const Tensor& x, const LSTMState& state = {}) const {
    const std::vector<Tensor> after = next(x, {state.h, state.c}, lstm_step);
    return {run_hooks(after[0]), after[1]};
  }
  /// The call operator of Module with declared arguments, which takes braces: cell(x, {h, c}).
  LSTMState operator()(const Tensor& x, const LSTMState& state = {}) const {
    return call([&] { return forward(x, state); });
  }
};

}  // namespace ditharos::nn
