#pragma once
// Recurrent networks with PyTorch's names, layouts and initial values. Sequences are dense: there are no packed ones;
// for sequences of different lengths, pad them and gather each one's last step.
#include <string>
#include <vector>

#include <ditharos/nn/recurrent/steps.h>
#include <ditharos/tensor/draws/default_generator.h>

namespace ditharos::nn {

struct RecurrentOptions {
  int64_t num_layers = 1;
  std::string nonlinearity = "tanh";  ///< of RNN alone; or "relu"
  bool bias = true;
  bool batch_first = false;    ///< sequences are [B, T, ...] instead of [T, B, ...]
  double dropout = 0;          ///< in training, of the outputs of all layers but the last
  bool bidirectional = false;  ///< a second network reads each layer's input from its end; outputs are concatenated
  int64_t proj_size = 0;       ///< of LSTM alone: h and the output have this size, below hidden_size; 0: no projection
};

/// The weights of all layers and directions, and the loop over them.
class RecurrentWeights {
 public:
  RecurrentWeights() = default;
  RecurrentWeights(const char* type, int64_t gates, int64_t input_size, int64_t hidden_size,
                   const RecurrentOptions& options, Generator& rng);
  void visit(Visitor& v);

  /// The output of the last layer, and the states after the last step, [layers * directions, B, H] each. x [T, B, in],
  /// [B, T, in] if batch_first, or [T, in]; `states` [layers * directions, B, H], without B for [T, in], undefined
  /// ones zero. With a projection, the output and the first state have proj_size in place of H.
  std::vector<Tensor> run(const char* type, const Tensor& x, const std::vector<Tensor>& states, bool training,
                          RecurrentStep step) const;

  const RecurrentOptions& options() const { return options_; }
  /// Direction 0 or 1 of a layer.
  const RecurrentDirection& at(int64_t layer, int64_t direction = 0) const;

 private:
  int64_t directions() const { return options_.bidirectional ? 2 : 1; }
  int64_t output_size() const { return options_.proj_size > 0 ? options_.proj_size : hidden_size_; }

  int64_t input_size_ = 0, hidden_size_ = 0;
  RecurrentOptions options_;
  std::vector<RecurrentDirection> weights_;  // layer 0 forward, layer 0 reverse, layer 1 forward, ...
};

/// The result of RNN and GRU.
struct [[nodiscard]] RecurrentResult {
  Tensor output;  ///< of the last layer at every step: [T, B, directions * H], with the axes of x in its order
  Tensor h_n;     ///< of every layer and direction after its last step: [layers * directions, B, H]
};
/// The hidden and the cell state of an LSTM, [layers * directions, B, H] each, h with proj_size in place of H if there
/// is a projection; undefined: zeros.
struct LSTMState {
  Tensor h = {}, c = {};
};
struct [[nodiscard]] LSTMResult {
  Tensor output;
  LSTMState state;
};

/// h' = tanh(W_ih x + b_ih + W_hh h + b_hh), or relu (Elman 1990). x [T, B, input_size], or as `batch_first` says, or
/// [T, input_size]. State dict: weight_ih_l0, weight_hh_l0, bias_ih_l0, bias_hh_l0, and with _reverse behind. Weights
/// start uniform in +-1 / sqrt(hidden_size).
class RNN : public Module<RNN> {
 public:
  RNN() = default;
  RNN(int64_t input_size, int64_t hidden_size, const RecurrentOptions& options = {},
      Generator& rng = default_generator());
  RecurrentResult forward(const Tensor& x, const Tensor& h_0 = {}) const;
  void visit(Visitor& v) override { weights_.visit(v); }
  const RecurrentWeights& weights() const { return weights_; }

 private:
  RecurrentWeights weights_;
};

/// r, z, n = sigmoid, sigmoid, tanh of W_ih x + b_ih and W_hh h + b_hh, of which n takes r (W_hh h + b_hh);
/// h' = (1 - z) n + z h (Cho et al. 2014). Shapes and names as RNN, the weights in the order r, z, n.
class GRU : public Module<GRU> {
 public:
  GRU() = default;
  GRU(int64_t input_size, int64_t hidden_size, const RecurrentOptions& options = {},
      Generator& rng = default_generator());
  RecurrentResult forward(const Tensor& x, const Tensor& h_0 = {}) const;
  void visit(Visitor& v) override { weights_.visit(v); }
  const RecurrentWeights& weights() const { return weights_; }

 private:
  RecurrentWeights weights_;
};

/// i, f, g, o = sigmoid, sigmoid, tanh, sigmoid of W_ih x + b_ih + W_hh h + b_hh; c' = f c + i g; h' = o tanh(c')
/// (Hochreiter and Schmidhuber 1997). Shapes and names as RNN, the weights in the order i, f, g, o. With `proj_size`,
/// h' = W_hr (o tanh(c')) (Sak et al. 2014), and the state dict has weight_hr_l0. Without, lstm_steps() computes all
/// steps of a layer.
class LSTM : public Module<LSTM> {
 public:
  LSTM() = default;
  LSTM(int64_t input_size, int64_t hidden_size, const RecurrentOptions& options = {},
       Generator& rng = default_generator());
  LSTMResult forward(const Tensor& x, const LSTMState& state = {}) const;
  /// The call operator of Module with declared arguments, which takes braces: lstm(x, {h, c}).
  LSTMResult operator()(const Tensor& x, const LSTMState& state = {}) const {
    return call([&] { return forward(x, state); });
  }
  void visit(Visitor& v) override { weights_.visit(v); }
  const RecurrentWeights& weights() const { return weights_; }

 private:
  RecurrentWeights weights_;
};

}  // namespace ditharos::nn
