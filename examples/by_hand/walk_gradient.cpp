#include "examples/by_hand/walk_gradient.h"

#include <cmath>
#include <cstdio>

#include <ditharos/autograd/engine.h>
#include <ditharos/autograd/ops.h>
#include <ditharos/optim/sgd.h>
#include <ditharos/tensor/io/number_text.h>

namespace ditharos::by_hand {
namespace {

Tensor as_columns(const Tensor& x) { return transpose(select(x, 0, 0), 0, 1); }
Tensor as_column(const Tensor& x) { return reshape(x, {-1, 1}); }

Heading gradient_of(const std::string& symbol, const std::string& name, const std::string& formula) {
  return {.symbol = symbol, .name = name, .formula = formula, .place = Place::side};
}

void append(Origin& to, const Origin& from) { to.terms.insert(to.terms.end(), from.terms.begin(), from.terms.end()); }

/// The loss after one step of SGD on copies of the parameters.
double loss_after_step(const Run& run, const Tensor& z, const Tensor& c) {
  HandDiT copy = nn::clone(run.model);
  optim::Sgd optimizer(nn::named_parameters(copy));
  optimizer.zero_grad();
  mse_loss(copy(z, c), run.noise).backward();
  optimizer.step(run.learning_rate);
  return mse_loss(copy(z, c), run.noise).item();
}

std::string decimals(double x) { return fixed_text(x, 5); }

/// The gradient of soft attention, from dF to queries and keys.
struct AttentionGradient {
  int dq, dk;
};
AttentionGradient through_softmax(Trace& trace, const GradientInputs& in, int df, int64_t width, int64_t tokens,
                                  const std::vector<Tensor>& g) {
  const double factor = 1 / std::sqrt(double(width));
  const int a = in.a;
  const int da = trace.add(gradient_of("dA", "gradient of A", "C^T dF"), as_columns(g[0]),
                           transposed_product(in.modulated, df, width));
  const int ds = trace.add(
      gradient_of("dS", "gradient of S", "A (dA - the column's sum of A dA) / sqrt(width)"), as_columns(g[1]),
      [=](int64_t r, int64_t col) {
        Origin origin{.terms = {{.factors = {{a, r, col}, {da, r, col}}, .coefficient = factor}}};
        for (int64_t k = 0; k < tokens; ++k)
          origin.terms.push_back({.factors = {{a, r, col}, {a, k, col}, {da, k, col}}, .coefficient = -factor});
        return origin;
      });
  const int dq = trace.add(gradient_of("dQ", "gradient of Q", "K dS"), as_columns(g[2]), affine(in.k, ds, tokens));
  const int dk =
      trace.add(gradient_of("dK", "gradient of K", "Q dS^T"), as_columns(g[3]), product_transposed(in.q, ds, tokens));
  return {dq, dk};
}

}  // namespace

Losses add_gradients(Trace& trace, const Run& run, const GradientInputs& in, const Tensor& z, const Tensor& c) {
  const int64_t width = run.sizes.width, tokens = run.grid.tokens(), count = width * tokens;
  const bool soft = run.model.config().attention == Attention::soft;
  const Stages s = run.model.stages(z, c);
  const Tensor loss = mse_loss(s.predicted, run.noise);
  const HandDiT& model = run.model;
  std::vector<Tensor> inputs = {
      s.predicted,  model.feed_forward.weight, model.feed_forward.bias, s.pooled, s.conditioned,
      s.modulation, model.ada_ln.weight};
  if (soft)
    inputs.insert(inputs.end(), {s.attention, s.scores, s.queries, s.keys, model.query.weight, model.key.weight});
  const std::vector<Tensor> g = grad({loss}, inputs);

  Losses losses;
  losses.before = loss.item(), losses.after = loss_after_step(run, z, c);
  losses.difference = trace.add({"G", "the article's gradient", "P - N", Place::stream},
                                as_columns(s.predicted - run.noise), plus(in.predicted, in.sampled, -1));
  const int difference = losses.difference;
  trace.add({"MSE", "mean squared error", "mean of G * G", Place::stream}, reshape(loss, {1, 1}),
            [=](int64_t, int64_t) {
              Origin origin{.terms = {}, .divisor = double(count)};
              for (int64_t i = 0; i < count; ++i) {
                const Cell cell{difference, i / tokens, i % tokens};
                origin.terms.push_back({.factors = {cell, cell}});
              }
              return origin;
            });
  trace.note("The gradient of the mean of n squares is (2/n) G, here n = " + std::to_string(count) +
             "; the article shows G, without the factor.");
  const int dp = trace.add(gradient_of("dP", "gradient of P", "2/" + std::to_string(count) + " G"), as_columns(g[0]),
                           [=](int64_t r, int64_t col) {
                             return Origin{.terms = {{.factors = {{difference, r, col}}, .coefficient = 2}},
                                           .divisor = double(count)};
                           });
  trace.add(gradient_of("dWf", "gradient of Wf", "dP F^T"), g[1], product_transposed(dp, in.pooled, tokens));
  trace.add(gradient_of("dbf", "gradient of bf", "sum of dP's columns"), as_column(g[2]), [=](int64_t r, int64_t) {
    Origin origin;
    for (int64_t k = 0; k < tokens; ++k) origin.terms.push_back({.factors = {{dp, r, k}}});
    return origin;
  });
  const int df =
      trace.add(gradient_of("dF", "gradient of F", "Wf^T dP"), as_columns(g[3]), transposed_product(in.wf, dp, width));

  AttentionGradient attention{-1, -1};
  if (soft) attention = through_softmax(trace, in, df, width, tokens, {g[7], g[8], g[9], g[10]});
  const int dc = trace.add(gradient_of("dC", "gradient of C", soft ? "dF A^T + Wq^T dQ + Wk^T dK" : "dF A^T"),
                           as_columns(g[4]), [=](int64_t r, int64_t col) {
                             Origin origin = product_transposed(df, in.a, tokens)(r, col);
                             if (soft) append(origin, transposed_product(in.wq, attention.dq, width)(r, col));
                             if (soft) append(origin, transposed_product(in.wk, attention.dk, width)(r, col));
                             return origin;
                           });
  if (soft) {
    trace.add(gradient_of("dWq", "gradient of Wq", "dQ C^T"), g[11],
              product_transposed(attention.dq, in.modulated, tokens));
    trace.add(gradient_of("dWk", "gradient of Wk", "dK C^T"), g[12],
              product_transposed(attention.dk, in.modulated, tokens));
  }
  const int z_matrix = in.noised;
  const int dy = trace.add(gradient_of("dy", "gradient of scale, then shift", "sums over dC * Z, then over dC"),
                           as_column(g[5]), [=](int64_t r, int64_t) {
                             Origin origin;
                             for (int64_t k = 0; k < tokens; ++k) {
                               if (r < width) origin.terms.push_back({.factors = {{dc, r, k}, {z_matrix, r, k}}});
                               else origin.terms.push_back({.factors = {{dc, r - width, k}}});
                             }
                             return origin;
                           });
  trace.add(gradient_of("dWa", "gradient of Wa", "dy c^T; dy is that of ba"), g[6],
            product_transposed(dy, in.condition, 1));
  if (!soft)
    trace.note(
        "A is held fixed: choosing the largest has no derivative, so Wq and Wk get no gradient. With --soft they "
        "learn.");
  trace.note("One step of SGD at " + number_text(run.learning_rate) + " takes the MSE from " + decimals(losses.before) +
             " to " + decimals(losses.after) + ". [11] goes on with the prediction made before it.");
  return losses;
}

}  // namespace ditharos::by_hand
