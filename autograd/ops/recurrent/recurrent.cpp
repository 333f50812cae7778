#include <ditharos/autograd/ops/recurrent/recurrent.h>

#include <ditharos/autograd/node.h>
#include <ditharos/autograd/ops.h>
#include <ditharos/autograd/ops/detail/operands.h>
#include <ditharos/tensor/kernels/recurrent/lstm.h>

namespace ditharos {
namespace {

/// The steps in public operations: h after each, at its time, and c after the last, [T + 1, B, H].
Tensor lstm_composite(const Tensor& input, Tensor h, Tensor c, const Tensor& weight, bool reverse) {
  const int64_t steps = input.size(0), n = h.size(1);
  std::vector<Tensor> results(static_cast<size_t>(steps));
  for (int64_t k = 0; k < steps; ++k) {
    const int64_t t = reverse ? steps - 1 - k : k;
    const Tensor gates = select(input, 0, t) + matmul(h, transpose(weight, 0, 1));
    const auto gate = [&](int64_t index) { return slice(gates, 1, index * n, (index + 1) * n); };
    c = sigmoid(gate(1)) * c + sigmoid(gate(0)) * tanh(gate(2));
    h = sigmoid(gate(3)) * tanh(c);
    results[size_t(t)] = h;
  }
  results.push_back(c);
  return stack(results, 0);
}

void check_lstm(const Tensor& input, const Tensor& h, const Tensor& c, const Tensor& weight) {
  check_floating("lstm_steps", input.dtype());
  check_one_dtype("lstm_steps", "the input", input, "h", h);
  check_one_dtype("lstm_steps", "the input", input, "c", c);
  check_one_dtype("lstm_steps", "the input", input, "the weight", weight);
  check<ShapeError>(input.rank() == 3 && h.rank() == 2 && h.shape() == c.shape() && h.size(0) == input.size(1) &&
                        input.size(2) == 4 * h.size(1) && weight.shape() == Shape{input.size(2), h.size(1)},
                    "[lstm_steps] needs an input [T, B, 4H], h and c [B, H] and a weight [4H, H], got ", input.shape(),
                    ", ", h.shape(), ", ", c.shape(), " and ", weight.shape());
  check<ShapeError>(input.size(0) >= 1, "[lstm_steps] a sequence needs at least one step, got an input ",
                    input.shape());
}

}  // namespace

LstmSteps lstm_steps(const Tensor& input, const Tensor& h, const Tensor& c, const Tensor& weight, bool reverse) {
  check_lstm(input, h, c, weight);
  const bool recorded = grad_enabled() && (needs_grad(input) || needs_grad(h) || needs_grad(c) || needs_grad(weight));
  kernels::LstmStates states;
  const Tensor result = kernels::lstm(input, h, c, weight, reverse, recorded ? &states : nullptr);
  const auto kernel = [gates = Saved(states.gates), cells = Saved(states.cells), reverse](const Backward& d) -> Grads {
    auto g = kernels::lstm_backward(d.grad(), d.output(), {d.intermediate(gates), d.intermediate(cells)}, d.input(1),
                                    d.input(2), d.input(3), reverse, d.needs(3));
    return {g.input, g.h, g.c, g.weight};
  };
  const auto composite = derivative_of(
      [reverse](const std::vector<Tensor>& in) { return lstm_composite(in[0], in[1], in[2], in[3], reverse); });
  // One result, because an operation has one: the states of all times, and below them the last cells.
  const Tensor out = record("lstm_steps", result, {input, h, c, weight}, save_inputs | save_output,
                            fused(kernel, composite), composite);
  const int64_t steps = input.size(0);
  return {slice(out, 0, 0, steps), select(out, 0, steps)};
}

}  // namespace ditharos
