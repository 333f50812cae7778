// Rows of the op table: the losses of autograd/ops/losses/ and further forms of those in loss.cpp.
#include <algorithm>
#include <cmath>
#include <numbers>

#include <ditharos/autograd/ops.h>
#include "tests/op_table/loss_rows/loss_row.h"

namespace ditharos::tests {
namespace op_table_losses {
namespace {

const Values low_lattice = lattice(-2, 2, 1. / 32), high_lattice = lattice(-2, 2, 3. / 32);

double soft_plus(double v) { return v > 0 ? v + std::log1p(std::exp(-v)) : std::log1p(std::exp(v)); }
double with_logit(double x, double t) { return t * soft_plus(-x) + (1 - t) * soft_plus(x); }
Array times(const Array& a, const Array& b) {
  return zip(a, b, [](double x, double y) { return x * y; });
}

void add_weighted_errors(Rows& rows) {
  const std::vector<Case> cases = {{{2, 3}, {2, 3}, {2, 3}}, {{1}, {1}, {1}}};
  const Case empty = {{0, 3}, {0, 3}, {0, 3}};
  const std::vector<Values> inputs = {low_lattice, high_lattice, uniform(.5, 2)};
  const auto weights = [](const Arrays& in) { return sum_of(in[2].values); };
  const Tensor x = zeros({2, 3});
  add_loss(rows, {"mse_loss", [](const Tensors& in, Reduction r) { return mse_loss(in[0], in[1], r, in[2]); },
                  [](const Arrays& in) {
                    return times(zip(in[0], in[1], [](double a, double b) { return (a - b) * (a - b); }), in[2]);
                  },
                  inputs, cases, empty, [x] { mse_loss(x, x, Reduction::mean, zeros({3})); },
                  "the prediction has shape [2, 3], the weights [3]; they must be equal", weights});
  add_loss(rows, {"l1_loss", [](const Tensors& in, Reduction r) { return l1_loss(in[0], in[1], r, in[2]); },
                  [](const Arrays& in) {
                    return times(zip(in[0], in[1], [](double a, double b) { return std::abs(a - b); }), in[2]);
                  },
                  inputs, cases, empty, [x] { l1_loss(x, x, Reduction::batchmean); },
                  "the reduction batchmean is for kl_div alone", weights});
  add_loss(rows, {"huber_loss", [](const Tensors& in, Reduction r) { return huber_loss(in[0], in[1], 1.5, r, in[2]); },
                  [](const Arrays& in) {
                    const auto f = [](double a, double b) {
                      const double e = std::abs(a - b);
                      return e <= 1.5 ? e * e / 2 : 1.5 * (e - .75);
                    };
                    return times(zip(in[0], in[1], f), in[2]);
                  },
                  inputs, cases, empty, [x] { huber_loss(x, x, 0); }, "delta must be positive, got 0.000000"});
  add_loss(rows,
           {"smooth_l1_loss",
            [](const Tensors& in, Reduction r) { return smooth_l1_loss(in[0], in[1], 0, r); },
            [](const Arrays& in) { return zip(in[0], in[1], [](double a, double b) { return std::abs(a - b); }); },
            {low_lattice, high_lattice},
            {{{2, 3}, {2, 3}}},
            {},
            [x] { smooth_l1_loss(x, x, -1); },
            "beta must be 0 or more, got -1.000000"});
}

void add_divergences(Rows& rows) {
  const Tensor x = zeros({2, 3});
  const auto of_logs = [](double p, double t) { return std::exp(t) * (t - p); };
  add_loss(rows, {"kl_div",
                  [](const Tensors& in, Reduction r) { return kl_div(in[0], in[1], r, true); },
                  [=](const Arrays& in) { return zip(in[0], in[1], of_logs); },
                  {uniform(-3, 0), uniform(-3, 0)},
                  {{{2, 3}, {2, 3}}, {{1}, {1}}},
                  {{0, 3}, {0, 3}},
                  [] { kl_div(scalar(0), scalar(1), Reduction::batchmean); },
                  "a loss of shape [] has no batch, so there is no batchmean"});
  for (const bool logs : {false, true}) {
    Row row;
    row.name = "kl_div";
    row.op = [=](const Tensors& in) { return kl_div(in[0], in[1], Reduction::batchmean, logs); };
    row.reference = [=](const Arrays& in) {
      const auto f = [=](double p, double t) { return logs ? of_logs(p, t) : t * (std::log(t) - p); };
      return Array(Shape{}, sum_of(zip(in[0], in[1], f).values) / double(in[0].shape[0]));
    };
    row.inputs = {uniform(-3, 0), logs ? uniform(-3, 0) : uniform(.1, 1)};
    row.cases = {{{2, 3}, {2, 3}}, {{4}, {4}}};
    row.misuse = [x] { kl_div(x, zeros({3})); };
    row.message = "[kl_div] the prediction has shape [2, 3], the target [3]; they must be equal";
    rows.push_back(row);
  }
}

void add_binary(Rows& rows) {
  const Tensor x = zeros({2, 3});
  const char* name = "binary_cross_entropy_with_logits";
  add_loss(rows, {name,
                  [](const Tensors& in, Reduction r) {
                    return binary_cross_entropy_with_logits(in[0], in[1],
                                                            {.weight = in[2], .pos_weight = in[3], .reduction = r});
                  },
                  [](const Arrays& in) {
                    const Array positive = zip(in[0], in[1], [](double a, double t) { return t * soft_plus(-a); });
                    const Array negative = zip(in[0], in[1], [](double a, double t) { return (1 - t) * soft_plus(a); });
                    return times(zip(times(positive, in[3]), negative, [](double a, double b) { return a + b; }),
                                 in[2]);
                  },
                  {uniform(-9, 9), uniform(0, 1), uniform(.5, 3), uniform(.5, 3)},
                  {{{2, 3}, {2, 3}, {2, 1}, {3}}, {{2, 2}, {2, 2}, {}, {2, 2}}},
                  {},
                  [x] { binary_cross_entropy_with_logits(x, x, {.weight = zeros({2})}); },
                  "weight of shape [2] does not broadcast to the target's shape [2, 3]"});
  for (const bool with_weight : {false, true}) {
    // The sigmoid keeps all numbers that the checks use in range.
    Loss loss{"binary_cross_entropy",
              [=](const Tensors& in, Reduction r) {
                return binary_cross_entropy(sigmoid(in[0]), in[1], with_weight ? in[2] : Tensor{}, r);
              },
              [=](const Arrays& in) {
                const Array losses = zip(in[0], in[1], with_logit);
                return with_weight ? times(losses, in[2]) : losses;
              },
              {uniform(-3, 3), uniform(0, 1)},
              {{{2, 3}, {2, 3}}, {{1}, {1}}},
              {{0, 3}, {0, 3}},
              [x] { binary_cross_entropy(x + 1.5, x); },
              "every probability must be in [0, 1]; for logits there is binary_cross_entropy_with_logits"};
    if (with_weight) {
      loss.inputs.push_back(uniform(.5, 2));
      loss.cases = {{{2, 3}, {2, 3}, {3}}, {{2, 2}, {2, 2}, {}}};
      loss.empty = {{0, 3}, {0, 3}, {3}};
      loss.misuse = [x] { binary_cross_entropy(x, x, zeros({2})); };
      loss.message = "weight of shape [2] does not broadcast to the target's shape [2, 3]";
    }
    const size_t first = rows.size();
    add_loss(rows, loss);
    for (size_t i = first; i < rows.size(); ++i) rows[i].record = "binary_cross_entropy";
  }
  add_loss(rows, {"soft_margin_loss",
                  [](const Tensors& in, Reduction r) { return soft_margin_loss(in[0], one_or_minus_one(in[1]), r); },
                  [](const Arrays& in) {
                    return zip(in[0], in[1], [](double a, double y) { return soft_plus(-(y != 0 ? 1 : -1) * a); });
                  },
                  {uniform(-9, 9), flags()},
                  {{{2, 3}, {2, 3}}, {{1}, {1}}},
                  {{0, 3}, {0, 3}},
                  [x] { soft_margin_loss(x, zeros({3})); },
                  "the prediction has shape [2, 3], the target [3]; they must be equal"});
  for (const bool with_weight : {false, true}) {
    Loss loss{"multilabel_soft_margin_loss",
              [=](const Tensors& in, Reduction r) {
                return multilabel_soft_margin_loss(in[0], in[1], with_weight ? in[2] : Tensor{}, r);
              },
              [=](const Arrays& in) {
                const Array losses = zip(in[0], in[1], with_logit);
                return reduce(with_weight ? times(losses, in[2]) : losses, {in[0].rank() - 1}, false, mean_of);
              },
              {uniform(-9, 9), uniform(0, 1)},
              {{{2, 3}, {2, 3}}, {{4}, {4}}, {{1, 1}, {1, 1}}},
              {{0, 3}, {0, 3}},
              [] { multilabel_soft_margin_loss(scalar(1), scalar(0)); },
              "needs logits [N, C] or [C], got a scalar"};
    if (with_weight) {
      loss.inputs.push_back(uniform(.5, 2));
      loss.cases = {{{2, 3}, {2, 3}, {3}}};
      loss.empty = {{0, 3}, {0, 3}, {3}};
    }
    add_loss(rows, loss);
  }
}

void add_likelihoods(Rows& rows) {
  const Tensor x = zeros({2, 3});
  for (const bool logs : {true, false})
    for (const bool full : {true, false})
      add_loss(
          rows,
          {"poisson_nll_loss",
           [=](const Tensors& in, Reduction r) {
             return poisson_nll_loss(in[0], in[1], {.log_input = logs, .full = full, .eps = 1e-3, .reduction = r});
           },
           [=](const Arrays& in) {
             return zip(in[0], in[1], [=](double a, double t) {
               const double value = logs ? std::exp(a) - t * a : a - t * std::log(a + 1e-3);
               const bool add_stirling = full && t > 1;
               return value + (add_stirling ? t * std::log(t) - t + .5 * std::log(2 * std::numbers::pi * t) : 0);
             });
           },
           {logs ? uniform(-2, 2) : uniform(.5, 3), lattice(0, 3)},
           {{{2, 3}, {2, 3}}, {{1}, {1}}},
           {{0, 3}, {0, 3}},
           [x] { poisson_nll_loss(x, zeros({3})); },
           "the prediction has shape [2, 3], the target [3]; they must be equal"},
          full ? std::vector<Reduction>{Reduction::none} : std::vector<Reduction>{Reduction::mean, Reduction::sum});
  const auto gaussian = [](double full, double e, double log_v) {
    return .5 * (log_v + e * e / std::exp(log_v)) + full * .5 * std::log(2 * std::numbers::pi);
  };
  for (const bool full : {false, true})
    add_loss(rows,
             {"gaussian_nll_loss",
              [=](const Tensors& in, Reduction r) {
                return gaussian_nll_loss(in[0], in[1], exp(in[2]), {.full = full, .reduction = r});
              },
              [=](const Arrays& in) {
                const Array e = zip(in[0], in[1], [](double a, double b) { return a - b; });
                Array log_v = in[2];
                if (log_v.rank() < e.rank()) log_v = reshaped(log_v, {log_v.shape[0], 1});
                return zip(e, log_v, [=](double a, double v) { return gaussian(full, a, v); });
              },
              {uniform(-2, 2), uniform(-2, 2), uniform(-1, 1)},
              {{{2, 3}, {2, 3}, {2, 3}}, {{2, 3}, {2, 3}, {2}}, {{2, 3}, {2, 3}, {1, 3}}, {{1}, {1}, {1}}},
              {{0, 3}, {0, 3}, {0, 3}},
              [x] { gaussian_nll_loss(x, x, zeros({3})); },
              "the variances must have the shape of the prediction, [2, 3], without its last axis or with one axis of "
              "size 1; got [3]"});
  add_loss(rows, {"gaussian_nll_loss",
                  [](const Tensors& in, Reduction r) { return gaussian_nll_loss(in[0], in[1], .7, {.reduction = r}); },
                  [=](const Arrays& in) {
                    return zip(in[0], in[1], [=](double a, double b) { return gaussian(0, a - b, std::log(.7)); });
                  },
                  {uniform(-2, 2), uniform(-2, 2)},
                  {{{2, 3}, {2, 3}}},
                  {},
                  [x] { gaussian_nll_loss(x, x, -1); },
                  "a variance is negative"});
}

}  // namespace
}  // namespace op_table_losses

Rows further_loss_rows() {
  Rows rows;
  op_table_losses::add_weighted_errors(rows);
  op_table_losses::add_divergences(rows);
  op_table_losses::add_binary(rows);
  op_table_losses::add_likelihoods(rows);
  return rows;
}

}  // namespace ditharos::tests
