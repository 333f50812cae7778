// Extreme inputs of softmax and losses: dominant logits, infinite logits and errors, targets of exactly 0 and 1.
#include <algorithm>
#include <cmath>

#include <ditharos/autograd/ops.h>
#include <ditharos/tensor/kernels/copy/copy.h>
#include <ditharos/tensor/random.h>
#include "tests/op_table/extremes/op_extremes.h"

namespace ditharos::tests {
namespace {

Array number(double v) { return Array(Shape{}, v); }
Real logistic(Real x) { return 1 / (1 + std::exp(-x)); }
Real logistic_slope(Real x) { return logistic(x) * logistic(-x); }
Real softplus_of(Real x) { return (x > 0 ? x : 0) + std::log1p(std::exp(-std::abs(x))); }

/// log(sum over j != i of e^x_j), and that of all.
Real log_sum_without(const Array& x, int64_t row, int64_t i) {
  Real top = -infinite, total = 0;
  for (int64_t j = 0; j < x.shape[1]; ++j)
    if (j != i) top = std::max(top, Real(x.at({row, j})));
  if (std::isinf(top)) return top;
  for (int64_t j = 0; j < x.shape[1]; ++j)
    if (j != i) total += std::exp(Real(x.at({row, j})) - top);
  return top + std::log(total);
}

/// -log softmax(x)[label] = softplus(log sum of the others - x_label) and its derivatives; nothing is subtracted from
/// 1.
/// `sign` -1: the logarithm of the probability itself.
Extreme surprise(const std::string& what, Array logits, std::vector<int64_t> labels, Real sign,
                 std::function<Tensor(const Tensor&, const Tensor&)> op) {
  Extreme e;
  e.what = what;
  e.inputs = {std::move(logits)};
  e.op = [=](const Tensors& in) { return op(in[0], from_vector(labels)); };
  e.answer = [=](const Arrays& in) {
    const Array& x = in[0];
    Answer a{Array(Shape{x.shape[0]}), {Array(x.shape)}};
    for (int64_t i = 0; i < x.shape[0]; ++i) {
      const int64_t label = labels[size_t(i)];
      const Real gap = log_sum_without(x, i, label) - Real(x.at({i, label})), missed = logistic(gap);
      a.value.at({i}) = double(sign * softplus_of(gap));
      for (int64_t j = 0; j < x.shape[1]; ++j) {
        const Real p = missed == 0 ? 0 : std::exp(Real(x.at({i, j})) - log_sum_without(x, i, label)) * missed;
        a.gradients[0].at({i, j}) = double(sign * (j == label ? -missed : p));
      }
    }
    return a;
  };
  return e;
}

void add_classes(Rows& rows) {
  const auto picked_log = [](const Tensor& x, const Tensor& labels) {
    return squeeze(gather(log_softmax(x, -1), -1, unsqueeze(labels, 1)), 1);
  };
  const auto each_row = [](const Tensor& x, const Tensor& labels) {
    return cross_entropy(x, labels, {.reduction = Reduction::none});
  };
  const auto smoothing_none = [](const Tensor& x, const Tensor& labels) {
    return nll_loss(log_softmax(x, -1), labels, {.reduction = Reduction::none});
  };
  const Array dominant = grid(4, 3, {37.4, 0, 0, 0, 40, -3, -80, 0, -70, 5, 5, 5});
  const std::vector<int64_t> right = {0, 1, 1, 2}, wrong = {1, 0, 0, 1};
  const Array masked = grid(2, 3, {-infinite, 3, -infinite, 2, -infinite, 1}), wide = grid(2, 2, {1e30, -1e30, 3e4, 0});
  std::vector<double> many(200, -40.0);
  many[77] = 0;
  const auto add = [&](const char* name, Real sign, const std::function<Tensor(const Tensor&, const Tensor&)>& op) {
    add_extremes(rows, name,
                 {surprise("a dominant logit, its label", dominant, right, sign, op),
                  surprise("a dominant logit, another label", dominant, wrong, sign, op),
                  surprise("a dominant logit among 200", grid(1, 200, many), {77}, sign, op),
                  surprise("classes that are masked out", masked, {1, 0}, sign, op),
                  surprise("large scales", wide, {0, 1}, sign, op)});
  };
  add("cross_entropy", 1, each_row);
  add("log_softmax", -1, picked_log);
  add("nll_loss", 1, smoothing_none);
  // The same for logits [x, 0] and label 0, as functions of x, to the second order.
  const std::vector<double> tails = {-80, -40, -18, -3, 3, 18, 40, 80};
  const auto against_zero = [](const Tensor& x) { return stack({x, zeros_like(x)}, 1); };
  const auto minus = [](Real x) { return -logistic(-x); };
  add_extremes(
      rows, "cross_entropy",
      {with_op(points(
                   "one logit against 0", tails, [](Real x) { return softplus_of(-x); }, minus, logistic_slope),
               [=](const Tensors& in) { return each_row(against_zero(in[0]), zeros({in[0].size(0)}, DType::i64)); })});
  add_extremes(rows, "log_softmax",
               {with_op(points(
                            "one logit against 0", tails, [](Real x) { return -softplus_of(-x); },
                            [](Real x) { return logistic(-x); }, [](Real x) { return -logistic_slope(x); }),
                        [=](const Tensors& in) { return select(log_softmax(against_zero(in[0]), -1), 1, 0); })});
  add_extremes(rows, "softmax",
               {with_op(points("one logit against 0", tails, logistic, logistic_slope,
                               [](Real x) { return -logistic_slope(x) * std::tanh(x / 2); }),
                        [=](const Tensors& in) { return select(softmax(against_zero(in[0]), -1), 1, 0); })});
  add_extremes(rows, "cross_entropy",
               {with_op(stated("a class of weight 0 that is impossible", {grid(2, 2, {-infinite, 0, 1, 1})},
                               number(std::log(2.0)), {grid(2, 2, {0, 0, .5, -.5})}),
                        [](const Tensors& in) {
                          const Tensor weight = to(from_vector<float>({0, 1}), in[0].dtype());
                          return cross_entropy(in[0], from_vector<int64_t>({0, 1}), {.weight = weight});
                        })});

  // Of the dominant probability: p (1 - p) = s(gap) s(-gap).
  Extreme top;
  top.what = "a dominant logit";
  top.inputs = {grid(3, 2, {40, 0, -37, 0, 1e30, 0})};
  top.cotangent = grid(3, 2, {1, 0, 0, 1, 1, 0});
  top.op = [](const Tensors& in) { return softmax(in[0], -1); };
  top.answer = [](const Arrays& in) {
    const Array& x = in[0];
    Answer a{Array(x.shape), {Array(x.shape)}};
    for (int64_t i = 0; i < 3; ++i)
      for (int64_t j = 0; j < 2; ++j) {
        const Real gap = Real(x.at({i, j})) - Real(x.at({i, 1 - j}));
        a.value.at({i, j}) = double(logistic(gap));
        a.gradients[0].at({i, j}) = double((j == (i == 1) ? 1 : -1) * logistic_slope(gap));
      }
    return a;
  };
  add_extremes(rows, "softmax", {top});
  Extreme masked_row = with_op(stated("masked elements, ties", {grid(2, 3, {-infinite, 2, 2, 7, -infinite, -infinite})},
                                      grid(2, 3, {0, .5, .5, 1, 0, 0}), {grid(2, 3, {0, -.25, .25, 0, 0, 0})}),
                               [](const Tensors& in) { return softmax(in[0], -1); });
  masked_row.cotangent = grid(2, 3, {3, 1, 2, 1, 5, 7});
  add_extremes(
      rows, "softmax",
      {masked_row, with_op(stated("a row that is masked out has no softmax", {grid(1, 2, {-infinite, -infinite})},
                                  grid(1, 2, {not_a_number, not_a_number}), {}),
                           [](const Tensors& in) { return softmax(in[0], -1); })});
}

/// Logits with constant targets; sum over all, so each element's gradient stands alone.
Extreme binary(const std::string& what, std::vector<double> logits, std::vector<double> targets) {
  Extreme e;
  e.what = what;
  e.inputs = {line(std::move(logits))};
  e.op = [=](const Tensors& in) {
    const Tensor target = kernels::to(from_vector(targets), in[0].dtype());
    return binary_cross_entropy_with_logits(in[0], target, {}, Reduction::none);
  };
  e.answer = [=](const Arrays& in) {
    Answer a{in[0], {in[0]}, {in[0]}};
    for (size_t i = 0; i < targets.size(); ++i) {
      const Real x = in[0].values[i], t = targets[i];
      const auto part = [](Real weight, Real value) { return weight == 0 ? 0 : weight * value; };
      a.value.values[i] = double(part(t, softplus_of(-x)) + part(1 - t, softplus_of(x)));
      a.gradients[0].values[i] = double((1 - t) * logistic(x) - t * logistic(-x));
      a.second[0].values[i] = double(logistic_slope(x));
    }
    return a;
  };
  return e;
}

void add_binary(Rows& rows) {
  const char* name = "binary_cross_entropy_with_logits";
  add_extremes(rows, name,
               {binary("infinite logits that are right", {-infinite, infinite}, {0, 1}),
                binary("infinite logits that are wrong", {-infinite, infinite, infinite}, {1, 0, .5}),
                binary("tails", {-80, -40, -20, 20, 40, 80, 40, -40}, {0, 0, 0, 1, 1, 1, 0, 1})});
  Extreme weighted = binary("infinite logits, a positive weight of 0", {infinite, -infinite, -infinite}, {1, 0, 1});
  weighted.op = [](const Tensors& in) {
    const Tensor target = to(from_vector<float>({1, 0, 1}), in[0].dtype());
    return binary_cross_entropy_with_logits(in[0], target, scalar(0, in[0].dtype()), Reduction::none);
  };
  weighted.answer = [](const Arrays&) { return Answer{line({0, 0, 0}), {line({0, 0, 0})}, {line({0, 0, 0})}}; };
  add_extremes(rows, name, {weighted});
}

/// f(e) of the error e = prediction - 0.
Extreme error_loss(const std::string& what, std::vector<double> errors,
                   const std::function<Tensor(const Tensor&, const Tensor&, Reduction)>& op, Formula f, Formula slope,
                   Formula curvature) {
  return with_op(points(what, std::move(errors), std::move(f), std::move(slope), std::move(curvature)),
                 [=](const Tensors& in) { return op(in[0], zeros_like(in[0]), Reduction::none); });
}

void add_errors(Rows& rows) {
  const auto sign = [](Real e) { return Real((e > 0) - (e < 0)); };
  const std::vector<double> wide = {-infinite, -1e30, -1e-30, 0, 1e-18, .5, 1.5, 1e18, infinite};
  add_extremes(rows, "l1_loss",
               {error_loss(
                   "infinite errors and none", wide,
                   [](const Tensor& a, const Tensor& b, Reduction r) { return l1_loss(a, b, r); },
                   [](Real e) { return std::abs(e); }, sign, [](Real) { return 0; })});
  add_extremes(rows, "mse_loss",
               {error_loss(
                   "infinite errors and none", wide,
                   [](const Tensor& a, const Tensor& b, Reduction r) { return mse_loss(a, b, r); },
                   [](Real e) { return e * e; }, [](Real e) { return 2 * e; }, [](Real) { return 2; })});
  add_extremes(
      rows, "mse_loss",
      {stated("large scale", {line({1e18, 2}), line({-1e18, 2})}, number(2e36), {line({2e18, 0}), line({-2e18, 0})})});
  add_extremes(rows, "huber_loss",
               {error_loss(
                   "infinite errors and none", wide,
                   [](const Tensor& a, const Tensor& b, Reduction r) { return huber_loss(a, b, 1.5, r); },
                   [](Real e) { return std::abs(e) <= 1.5L ? e * e / 2 : 1.5L * (std::abs(e) - .75L); },
                   [=](Real e) { return std::abs(e) <= 1.5L ? e : 1.5L * sign(e); },
                   [](Real e) { return Real(std::abs(e) <= 1.5L); })});
  add_extremes(rows, "smooth_l1_loss",
               {error_loss(
                   "infinite errors and none", wide,
                   [](const Tensor& a, const Tensor& b, Reduction r) { return smooth_l1_loss(a, b, .5, r); },
                   [](Real e) { return std::abs(e) <= .5L ? e * e : std::abs(e) - .25L; },
                   [=](Real e) { return std::abs(e) <= .5L ? 2 * e : sign(e); },
                   [](Real e) { return std::abs(e) <= .5L ? Real(2) : 0; })});
  add_extremes(rows, "kl_div",
               {with_op(stated("targets of 0 and impossible classes", {line({-infinite, -infinite, -1e30, 0, -1})},
                               line({0, infinite, 1e30, 0, 0}), {line({0, -.5, -1, -1, 0})}, {line({0, 0, 0, 0, 0})}),
                        [](const Tensors& in) {
                          const Tensor target = to(from_vector<float>({0, .5f, 1, 1, 0}), in[0].dtype());
                          return kl_div(in[0], target, Reduction::none);
                        })});
}

/// An element that is dropped contributes nothing, whatever it is.
void add_dropout(Rows& rows) {
  const auto kept = [] {
    Generator rng(5);
    return rng.bernoulli(.5, {8}, DType::f64).to_vector<double>();
  };
  Array x = line(std::vector<double>(8, 1e30)), value = x, slope = x;
  const std::vector<double> mask = kept();
  for (size_t i = 0; i < 8; ++i) {
    if (mask[i] == 0) x.values[i] = i % 2 ? infinite : not_a_number;
    value.values[i] = mask[i] == 0 ? 0 : 2e30;
    slope.values[i] = mask[i] == 0 ? 0 : 2;
  }
  add_extremes(rows, "dropout",
               {with_op(stated("infinity and NaN where elements are dropped", {x}, value, {slope}, {zeros_of(x)}),
                        [](const Tensors& in) {
                          Generator rng(5);
                          return dropout(in[0], .5, rng);
                        })});
}

}  // namespace

void add_loss_extremes(Rows& rows) {
  add_classes(rows);
  add_binary(rows);
  add_errors(rows);
  add_dropout(rows);
}

}  // namespace ditharos::tests
