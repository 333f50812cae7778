// Rows of the op table: a layer of an LSTM, instance normalisation and embeddings.
#include "tests/op_table/rows/op_table_layers.h"

#include <cmath>

#include <ditharos/autograd/ops.h>
#include <ditharos/autograd/ops/indexing/embedding.h>
#include <ditharos/autograd/ops/normalization/instance_norm.h>
#include <ditharos/autograd/ops/recurrent/recurrent.h>
#include "tests/op_table/extremes/op_extremes.h"

namespace ditharos::tests {
namespace op_table_layers {
namespace {

constexpr double eps = 1e-3;

template <class R>
R sigmoid_of(R v) {
  return 1 / (1 + std::exp(-v));
}

Tensor all_states(const Tensors& in, bool reverse) {
  const LstmSteps after = lstm_steps(in[0], in[1], in[2], in[3], reverse);
  return cat({after.h, unsqueeze(after.c, 0)}, 0);
}

/// h after the step of each time, and below them the last c.
Array lstm_reference(const Arrays& in, bool reverse) {
  const Array &input = in[0], &weight = in[3];
  Array h = in[1], c = in[2];
  const int64_t steps = input.shape[0], batch = h.shape[0], n = h.shape[1];
  Array out(Shape{steps + 1, batch, n});
  for (int64_t k = 0; k < steps; ++k) {
    const int64_t t = reverse ? steps - 1 - k : k;
    const Array product = matmul(h, flipped(weight));
    for (int64_t b = 0; b < batch; ++b)
      for (int64_t j = 0; j < n; ++j) {
        const auto gate = [&](int64_t i) { return input.at({t, b, i * n + j}) + product.at({b, i * n + j}); };
        c.at({b, j}) = sigmoid_of(gate(1)) * c.at({b, j}) + sigmoid_of(gate(0)) * std::tanh(gate(2));
        out.at({t, b, j}) = h.at({b, j}) = sigmoid_of(gate(3)) * std::tanh(c.at({b, j}));
      }
  }
  each_index(c.shape, [&](const Index& i) { out.at({steps, i[0], i[1]}) = c.at(i); });
  return out;
}

Row lstm_row(bool reverse) {
  Row row;
  row.name = row.record = "lstm_steps";
  row.op = [=](const Tensors& in) { return all_states(in, reverse); };
  row.reference = [=](const Arrays& in) { return lstm_reference(in, reverse); };
  row.inputs = {uniform(-2, 2), uniform(-1, 1), uniform(-2, 2), uniform(-1, 1)};
  const auto sized = [](int64_t steps, int64_t batch, int64_t n) {
    return Case{{steps, batch, 4 * n}, {batch, n}, {batch, n}, {4 * n, n}};
  };
  row.cases = {sized(2, 2, 3), sized(1, 1, 1), sized(7, 3, 2), sized(2, 0, 2), sized(1, 2, 19)};
  row.large = {sized(8, 67, 48), sized(3, 70, 33)};
  row.tolerance32 = 1e-4;
  row.misuse = [] { static_cast<void>(lstm_steps(zeros({2, 3, 8}), zeros({3, 2}), zeros({3, 2}), zeros({8, 3}))); };
  row.message =
      "[lstm_steps] needs an input [T, B, 4H], h and c [B, H] and a weight [4H, H], got [2, 3, 8], [3, 2], [3, 2] and "
      "[8, 3]";
  return row;
}

/// The mean and the variance of a channel of a sample.
Array instance_reference(const Arrays& in, bool running) {
  Array y = in[0];
  const int64_t rows = y.shape[0] * y.shape[1];
  if (running) {
    y = map(y, [](double v) { return (v - .5) / std::sqrt(1.5 + eps); });
  } else if (rows > 0) {
    const Shape shape = y.shape;
    const Shape flat{rows, int64_t(y.values.size()) / rows};
    y = map_rows(reshaped(y, flat), -1, [](const std::vector<double>& v) { return normalized(v, eps); });
    y = reshaped(y, shape);
  }
  each_index(y.shape, [&](const Index& i) { y.at(i) = y.at(i) * in[1].at({i[1]}) + in[2].at({i[1]}); });
  return y;
}

Row instance_row(bool running) {
  Row row;
  row.name = "instance_norm";
  row.op = [=](const Tensors& in) {
    if (!running) return instance_norm(in[0], {}, {}, in[1], in[2], true, .1, eps);
    const Shape channels{in[0].size(1)};
    const DType dtype = in[0].dtype();
    return instance_norm(in[0], operand(full(channels, .5, dtype)), operand(full(channels, 1.5, dtype)), in[1], in[2],
                         false, .1, eps);
  };
  row.reference = [=](const Arrays& in) { return instance_reference(in, running); };
  row.inputs = {uniform(-2, 2), uniform(-2, 2), uniform(-2, 2)};
  row.cases = {{{2, 3, 5}, {3}, {3}}, {{1, 2, 2, 3}, {2}, {2}}, {{1, 1, 2}, {1}, {1}}, {{0, 2, 3}, {2}, {2}}};
  row.misuse = [] { instance_norm(zeros({2, 3, 4}), {}, {}, zeros({2})); };
  row.message = "[instance_norm] statistics, weight and bias must be [3], got [2]";
  return row;
}

Row embedding_row() {
  Row row;
  row.name = "embedding";
  row.op = [](const Tensors& in) { return embedding(in[1], in[0]); };
  row.reference = [](const Arrays& in) {
    Shape shape = in[1].shape;
    shape.push_back(in[0].shape[1]);
    return pick(in[0], shape, [&](const Index& i) {
      return Index{int64_t(in[1].at(Index(i.begin(), i.end() - 1))), i[i.rank() - 1]};
    });
  };
  row.inputs = {uniform(-2, 2), index_below(5)};
  row.cases = {{{5, 3}, {4}}, {{6, 2}, {2, 3}}, {{5, 1}, {}}, {{5, 3}, {0}}};
  row.takes = Takes::anything;
  row.misuse = [] { embedding(zeros({2}, DType::i64), zeros({3, 2}), {.padding_idx = 3}); };
  row.message = "[embedding] padding_idx must be a row of 3, got 3";
  return row;
}

/// One step of one cell: the input i, f, g, o, and no recurrent weights. The cotangents of h and c are 1.
Extreme lstm_extreme(const std::string& what, std::vector<double> gates, double c) {
  Extreme e;
  e.what = what;
  e.inputs = {reshaped(line(std::move(gates)), {1, 1, 4}), grid(1, 1, {0}), grid(1, 1, {c}), Array(Shape{4, 1})};
  e.answer = [](const Arrays& in) {
    const auto gate = [&](int64_t k) { return Real(in[0].at({0, 0, k})); };
    const auto slope = [](Real v) { return sigmoid_of(v) * sigmoid_of(-v); };
    const auto tanh_slope = [&](Real v) { return 4 * slope(2 * v); };
    const Real i = gate(0), f = gate(1), g = gate(2), o = gate(3), before = in[2].values[0];
    const Real cell = sigmoid_of(f) * before + sigmoid_of(i) * std::tanh(g);
    const Real of_cell = 1 + sigmoid_of(o) * tanh_slope(cell);
    Answer answer;
    answer.value = reshaped(line({double(sigmoid_of(o) * std::tanh(cell)), double(cell)}), {2, 1, 1});
    answer.gradients = {
        reshaped(line({double(of_cell * std::tanh(g) * slope(i)), double(of_cell * before * slope(f)),
                       double(of_cell * sigmoid_of(i) * tanh_slope(g)), double(std::tanh(cell) * slope(o))}),
                 {1, 1, 4}),
        grid(1, 1, {0}), grid(1, 1, {double(of_cell * sigmoid_of(f))}), Array(Shape{4, 1})};
    return answer;
  };
  return e;
}

}  // namespace
}  // namespace op_table_layers

Rows layer_rows() {
  using namespace op_table_layers;
  return {lstm_row(false), lstm_row(true), instance_row(false), instance_row(true), embedding_row()};
}

void add_layer_extremes(Rows& rows) {
  using op_table_layers::lstm_extreme;
  add_extremes(
      rows, "lstm_steps",
      {lstm_extreme("saturated gates", {20, 25, 18, 30}, 1.5), lstm_extreme("closed gates", {-30, -25, 9, -20}, 2),
       lstm_extreme("large cell", {3, 20, -12, .5}, 15), lstm_extreme("zeros", {0, 0, 0, 0}, 0)});
  no_extremes(rows, {"instance_norm"}, "group_norm() of each channel, or batch_norm()");
  no_extremes(rows, {"embedding"}, "index_select()");
}

}  // namespace ditharos::tests
