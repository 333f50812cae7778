// Rows of the op table: softmax and losses.
#include <algorithm>
#include <cmath>

#include <ditharos/autograd/ops.h>
#include <ditharos/tensor/random.h>
#include "tests/op_table/op_table.h"

namespace ditharos::tests {
namespace {

std::vector<double> log_softmax_of(const std::vector<double>& v) {
  std::vector<double> out = softmax_of(v);
  std::transform(out.begin(), out.end(), out.begin(), [](double p) { return std::log(p); });
  return out;
}

using Rowwise = std::vector<double> (*)(const std::vector<double>&);

Row normalising(const std::string& name, Tensor (*op)(const Tensor&, int), Rowwise f, int axis) {
  Row row;
  row.name = row.record = name;
  row.op = [=](const Tensors& in) { return op(in[0], axis); };
  row.reference = [=](const Arrays& in) { return map_rows(in[0], axis, f); };
  row.inputs = {uniform(-3, 3)};
  row.cases = {{{2, 3}}, {{2, 3, 4}}, {{1, 1}}, {{0, 3}}, {{3, 0}}, {{5, 67}}, {{2, 33, 3}}};
  row.large = {{{130, 1031}}, {{1031, 130}}};
  row.misuse = [op] { op(zeros({2, 3}), 2); };
  row.message = "[" + name + "] axis 2 is out of range for a tensor of rank 2";
  return row;
}

Array reduced(const Array& losses, Reduction reduction) {
  if (reduction == Reduction::none) return losses;
  return tests::reduce(losses, {}, false, reduction == Reduction::sum ? sum_of : mean_of);
}

using PairLoss = std::function<Tensor(const Tensor&, const Tensor&, Reduction)>;

Row pair_loss(const std::string& name, const PairLoss& op, double (*f)(double, double), Reduction reduction) {
  Row row;
  row.name = name;
  row.op = [=](const Tensors& in) { return op(in[0], in[1], reduction); };
  row.reference = [=](const Arrays& in) { return reduced(zip(in[0], in[1], f), reduction); };
  row.inputs = {lattice(-2, 2, 1. / 32), lattice(-2, 2, 3. / 32)};  // never equal: |x| has no kink there
  row.cases = {{{2, 3}, {2, 3}}, {{}, {}}, {{1}, {1}}, {{3, 67}, {3, 67}}};
  if (reduction != Reduction::mean) row.cases.push_back({{0, 3}, {0, 3}});
  row.large = {{{130, 1031}, {130, 1031}}};
  row.misuse = [op] { op(zeros({4}), zeros({4, 1}), Reduction::mean); };
  row.message = "[" + name + "] the prediction has shape [4], the target [4, 1]; they must be equal";
  return row;
}

/// The same draw every time, so that it can be compared with itself.
Row dropping(double p) {
  Row row = normalising("dropout", nullptr, nullptr, -1);
  row.record = p == 0 ? "" : "where";
  row.op = [p](const Tensors& in) {
    Generator rng(5);
    return dropout(in[0], p, rng);
  };
  row.reference = [p](const Arrays& in) {
    Generator rng(5);
    const Array kept(rng.bernoulli(1 - p, in[0].shape, DType::f64));
    return zip(in[0], kept, [p](double x, double k) { return x * k / (1 - p); });
  };
  if (p == 0) row.takes = Takes::anything;
  row.misuse = [] {
    Generator rng(5);
    dropout(zeros({2}), 1, rng);
  };
  row.message = "[dropout] the probability must be in [0, 1), got 1.000000";
  return row;
}

Row entropy() {
  Row row;
  row.name = row.record = "cross_entropy";
  row.op = [](const Tensors& in) { return cross_entropy(in[0], in[1]); };
  row.reference = [](const Arrays& in) {
    const Array p = map_rows(in[0], 1, softmax_of);
    double total = 0;
    for (int64_t i = 0; i < p.shape[0]; ++i) total -= std::log(p.at({i, int64_t(in[1].at({i}))}));
    return Array(Shape{}, total / double(p.shape[0]));
  };
  row.inputs = {uniform(-3, 3), index_below(3)};
  row.cases = {{{2, 3}, {2}}, {{5, 7}, {5}}, {{1, 3}, {1}}, {{4, 67}, {4}}};
  row.large = {{{1031, 130}, {1031}}};
  row.misuse = [] { cross_entropy(zeros({2, 3}), from_vector<int64_t>({0, 3})); };
  row.message = "[cross_entropy] label 3 of row 1 is not in [0, 3)";
  return row;
}

struct LabelCase {
  bool weighted = false, ignores = false;
  double smoothing = 0;
  Reduction reduction = Reduction::mean;
};

/// Class weights are a third input. `scores` of a row: log softmax for cross-entropy, the row itself for nll.
Row label_loss(const std::string& name, const LabelCase& c) {
  const bool from_logits = name == "cross_entropy";
  Row row;
  row.name = name;
  const int64_t ignored = c.ignores ? 1 : -100;
  row.op = [=](const Tensors& in) {
    const LabelLossOptions options{c.weighted ? in[2] : Tensor{}, ignored, c.smoothing, c.reduction};
    return from_logits ? cross_entropy(in[0], in[1], options) : nll_loss(in[0], in[1], options);
  };
  row.reference = [=](const Arrays& in) {
    const Array scores = from_logits ? map_rows(in[0], 1, log_softmax_of) : in[0];
    const int64_t rows = scores.shape[0], classes = scores.shape[1];
    const auto weight = [&](int64_t k) { return c.weighted ? in[2].at({k}) : 1.0; };
    Array losses(Shape{rows});
    double weights = 0;
    for (int64_t i = 0; i < rows; ++i) {
      const int64_t label = int64_t(in[1].at({i}));
      if (label == ignored) continue;
      weights += weight(label);
      for (int64_t k = 0; k < classes; ++k) {
        const double target = (k == label ? 1 - c.smoothing : 0) + c.smoothing / double(classes);
        losses.at({i}) -= target * weight(k) * scores.at({i, k});
      }
    }
    if (c.reduction == Reduction::mean) return Array(Shape{}, sum_of(losses.values) / weights);
    return reduced(losses, c.reduction);
  };
  row.inputs = {uniform(-3, 3), index_below(3)};
  row.cases = {{{7, 3}, {7}}, {{9, 4}, {9}}};
  if (!c.ignores) row.cases.push_back({{1, 3}, {1}});
  if (c.reduction != Reduction::mean) row.cases.push_back({{0, 3}, {0}});
  if (c.weighted) {
    row.inputs.push_back(uniform(.5, 2));
    for (Case& shapes : row.cases) shapes.push_back({shapes[0][1]});
  }
  row.misuse = [=] {
    const LabelLossOptions options{.weight = zeros({2})};
    from_logits ? cross_entropy(zeros({2, 3}), zeros({2}, DType::i64), options)
                : nll_loss(zeros({2, 3}), zeros({2}, DType::i64), options);
  };
  row.message = "[" + name + "] the classes' weights must be [3], got [2]";
  return row;
}

void add_label_losses(Rows& rows) {
  for (Reduction reduction : {Reduction::mean, Reduction::sum, Reduction::none}) {
    rows.push_back(label_loss("cross_entropy", {.smoothing = .1, .reduction = reduction}));
    rows.push_back(label_loss("cross_entropy", {.weighted = true, .reduction = reduction}));
    rows.push_back(label_loss("cross_entropy", {true, true, .2, reduction}));
    rows.push_back(label_loss("nll_loss", {.reduction = reduction}));
    rows.push_back(label_loss("nll_loss", {true, true, 0, reduction}));
  }
  rows.push_back(label_loss("cross_entropy", {.ignores = true}));
  rows.push_back(label_loss("nll_loss", {.ignores = true}));
}

double softplus_of(double v) { return v > 0 ? v + std::log1p(std::exp(-v)) : std::log1p(std::exp(v)); }

void add_pair_losses(Rows& rows, Reduction reduction) {
  rows.push_back(pair_loss(
      "mse_loss", [](const Tensor& a, const Tensor& b, Reduction r) { return mse_loss(a, b, r); },
      [](double a, double b) { return (a - b) * (a - b); }, reduction));
  if (reduction == Reduction::mean) rows.back().record = "mse_loss";  // the others are made of public operations
  rows.push_back(pair_loss(
      "l1_loss", [](const Tensor& a, const Tensor& b, Reduction r) { return l1_loss(a, b, r); },
      [](double a, double b) { return std::abs(a - b); }, reduction));
  rows.push_back(pair_loss(
      "huber_loss", [](const Tensor& a, const Tensor& b, Reduction r) { return huber_loss(a, b, 1.5, r); },
      [](double a, double b) {
        const double e = std::abs(a - b);
        return e <= 1.5 ? e * e / 2 : 1.5 * (e - .75);
      },
      reduction));
  rows.push_back(pair_loss(
      "smooth_l1_loss", [](const Tensor& a, const Tensor& b, Reduction r) { return smooth_l1_loss(a, b, .5, r); },
      [](double a, double b) {
        const double e = std::abs(a - b);
        return e <= .5 ? e * e : e - .25;
      },
      reduction));
  rows.push_back(pair_loss(
      "binary_cross_entropy_with_logits",
      [](const Tensor& a, const Tensor& b, Reduction r) { return binary_cross_entropy_with_logits(a, b, {}, r); },
      [](double x, double t) { return t * softplus_of(-x) + (1 - t) * softplus_of(x); }, reduction));
  rows.back().inputs = {uniform(-9, 9), uniform(0, 1)};
  rows.push_back(pair_loss(
      "kl_div", [](const Tensor& a, const Tensor& b, Reduction r) { return kl_div(a, b, r); },
      [](double p, double t) { return t * (std::log(t) - p); }, reduction));
  rows.back().inputs = {uniform(-3, 0), uniform(.1, 1)};
}

/// The positive class counts more.
Row weighted_binary() {
  Row row = pair_loss("binary_cross_entropy_with_logits", nullptr, nullptr, Reduction::sum);
  row.op = [](const Tensors& in) { return binary_cross_entropy_with_logits(in[0], in[1], in[2], Reduction::none); };
  row.reference = [](const Arrays& in) {
    const Array positive = zip(in[0], in[1], [](double x, double t) { return t * softplus_of(-x); });
    const Array negative = zip(in[0], in[1], [](double x, double t) { return (1 - t) * softplus_of(x); });
    return zip(zip(positive, in[2], [](double a, double b) { return a * b; }), negative,
               [](double a, double b) { return a + b; });
  };
  row.inputs = {uniform(-9, 9), uniform(0, 1), uniform(.5, 3)};
  row.cases = {{{4, 3}, {4, 3}, {3}}, {{2, 2}, {2, 2}, {}}};
  row.large.clear();
  row.misuse = [] { binary_cross_entropy_with_logits(zeros({2, 3}), zeros({2, 3}), zeros({2})); };
  row.message =
      "[binary_cross_entropy_with_logits] pos_weight of shape [2] does not broadcast to the target's shape [2, 3]";
  return row;
}

}  // namespace

Rows loss_rows() {
  Rows rows;
  for (int axis : {-1, 0}) {
    rows.push_back(normalising("softmax", softmax, softmax_of, axis));
    rows.push_back(normalising("log_softmax", log_softmax, log_softmax_of, axis));
  }
  rows.push_back(entropy());
  add_label_losses(rows);
  for (Reduction reduction : {Reduction::mean, Reduction::sum, Reduction::none}) add_pair_losses(rows, reduction);
  rows.push_back(weighted_binary());
  for (double p : {0.0, .3}) rows.push_back(dropping(p));
  return rows;
}

}  // namespace ditharos::tests
