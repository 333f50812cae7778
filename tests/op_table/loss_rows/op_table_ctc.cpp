// Rows of the op table: connectionist temporal classification, and attention with options.
#include <cmath>

#include <ditharos/autograd/ops.h>
#include <ditharos/tensor/random.h>
#include "tests/op_table/op_table.h"

namespace ditharos::tests {
namespace op_table_ctc {
namespace {

/// The longest inputs and targets that the shapes of a call hold, one less for every second sequence.
struct CtcLengths {
  std::vector<int64_t> inputs, targets;

  CtcLengths(int64_t time, int64_t batch, int64_t width) {
    for (int64_t n = 0; n < batch; ++n) {
      inputs.push_back(std::max<int64_t>(time - n % 2, 0));
      targets.push_back(std::max<int64_t>(width - n % 2, 0));
    }
  }
};

Tensor loss_of(const Tensors& in, Reduction reduction, bool zero_infinity) {
  const bool known = in[0].rank() == 3 && in[1].rank() == 2;
  const CtcLengths lengths(in[0].size(0), known ? in[0].size(1) : 1, known ? in[1].size(1) : 1);
  // The gradient is that of the logits behind a log_softmax.
  return ctc_loss(log_softmax(in[0], -1), in[1], lengths.inputs, lengths.targets,
                  {.reduction = reduction, .zero_infinity = zero_infinity});
}

/// What is left of a path without repetitions and blanks.
std::vector<int64_t> collapsed(const std::vector<int64_t>& path) {
  std::vector<int64_t> out;
  for (size_t t = 0; t < path.size(); ++t)
    if (path[t] != 0 && (t == 0 || path[t] != path[t - 1])) out.push_back(path[t]);
  return out;
}

/// The sum of the probabilities of all C^T paths that collapse to the target.
double probability(const Array& p, int64_t n, int64_t time, const std::vector<int64_t>& target) {
  const int64_t classes = p.shape[2];
  double total = 0;
  std::vector<int64_t> path(static_cast<size_t>(time), 0);
  for (;;) {
    if (collapsed(path) == target) {
      double product = 1;
      for (int64_t t = 0; t < time; ++t) product *= p.at({t, n, path[size_t(t)]});
      total += product;
    }
    size_t place = 0;
    while (place < path.size() && ++path[place] == classes) path[place++] = 0;
    if (place == path.size()) return total;
  }
}

Row ctc_row(Reduction reduction) {
  Row row;
  row.name = row.record = "ctc_loss";
  row.op = [=](const Tensors& in) { return loss_of(in, reduction, false); };
  row.reference = [=](const Arrays& in) {
    const Array p = map_rows(in[0], 2, softmax_of);
    const int64_t batch = p.shape[1];
    const CtcLengths lengths(p.shape[0], batch, in[1].shape[1]);
    Array losses(Shape{batch});
    for (int64_t n = 0; n < batch; ++n) {
      std::vector<int64_t> target;
      for (int64_t i = 0; i < lengths.targets[size_t(n)]; ++i) target.push_back(int64_t(in[1].at({n, i})));
      losses.at({n}) = -std::log(probability(p, n, lengths.inputs[size_t(n)], target));
      if (reduction == Reduction::mean) losses.at({n}) /= std::max(1.0, double(target.size()));
    }
    if (reduction == Reduction::none) return losses;
    return Array(Shape{}, reduction == Reduction::sum ? sum_of(losses.values) : mean_of(losses.values));
  };
  row.inputs = {uniform(-2, 2), {Values::Kind::index, 1, 3}};
  row.cases = {{{4, 2, 3}, {2, 2}}, {{1, 1, 3}, {1, 1}}, {{5, 3, 3}, {3, 2}}};
  if (reduction != Reduction::mean) row.cases.push_back({{4, 0, 3}, {0, 2}});
  row.misuse = [] { ctc_loss(zeros({4, 1, 3}), full({1, 2}, 0, DType::i64), {4}, {2}); };
  row.message = "[ctc_loss] label 0 of target 0 must be in [0, 3) and not the blank, 0";
  return row;
}

/// Causal attention of the definition, with the weights that a generator of seed 5 drops.
Array attended(const Array& q, const Array& k, const Array& v, double scale, double dropped) {
  const int64_t batch = q.shape[0], heads = q.shape[1], queries = q.shape[2], keys = k.shape[2];
  const int64_t group = heads / k.shape[1];
  Generator rng(5);
  Array kept(Shape{batch, heads, queries, keys}, 1);
  if (dropped > 0) kept = Array(rng.bernoulli(1 - dropped, kept.shape, DType::f64));
  Array out(Shape{batch, heads, queries, v.shape[3]});
  for (int64_t b = 0; b < batch; ++b)
    for (int64_t h = 0; h < heads; ++h)
      for (int64_t t = 0; t < queries; ++t) {
        const int64_t seen = std::min(keys, t + 1);
        std::vector<double> scores;
        for (int64_t s = 0; s < seen; ++s) {
          double total = 0;
          for (int64_t d = 0; d < q.shape[3]; ++d) total += q.at({b, h, t, d}) * k.at({b, h / group, s, d});
          scores.push_back(scale * total);
        }
        const std::vector<double> weights = softmax_of(scores);
        for (int64_t e = 0; e < v.shape[3]; ++e)
          for (int64_t s = 0; s < seen; ++s)
            out.at({b, h, t, e}) +=
                kept.at({b, h, t, s}) / (1 - dropped) * weights[size_t(s)] * v.at({b, h / group, s, e});
      }
  return out;
}

Row attention_row(double dropout_p) {
  Row row;
  row.name = "scaled_dot_product_attention";
  row.op = [=](const Tensors& in) {
    Generator rng(5);
    return scaled_dot_product_attention(
        in[0], in[1], in[2], {.dropout_p = dropout_p, .is_causal = true, .scale = .7, .enable_gqa = true, .rng = &rng});
  };
  row.reference = [=](const Arrays& in) { return attended(in[0], in[1], in[2], .7, dropout_p); };
  row.inputs = std::vector<Values>(3, uniform(-2, 2));
  row.cases = {{{1, 4, 3, 1}, {1, 2, 3, 1}, {1, 2, 3, 3}}, {{2, 2, 2, 3}, {2, 1, 4, 3}, {2, 1, 4, 1}}};
  row.tolerance32 = 1e-4;
  row.misuse = [] {
    const Tensor x = zeros({1, 4, 3, 2}), three = zeros({1, 3, 3, 2});
    scaled_dot_product_attention(x, three, three, {.enable_gqa = true});
  };
  row.message =
      "[scaled_dot_product_attention] needs q [..., H, T, D], k [..., G, S, D] and v [..., G, S, E] with H "
      "divisible by G, got [1, 4, 3, 2], [1, 3, 3, 2] and [1, 3, 3, 2]";
  return row;
}

}  // namespace
}  // namespace op_table_ctc

Rows ctc_loss_rows() {
  Rows rows;
  for (const Reduction reduction : {Reduction::none, Reduction::mean, Reduction::sum})
    rows.push_back(op_table_ctc::ctc_row(reduction));
  return rows;
}

Rows attention_option_rows() { return {op_table_ctc::attention_row(0), op_table_ctc::attention_row(.3)}; }

}  // namespace ditharos::tests
