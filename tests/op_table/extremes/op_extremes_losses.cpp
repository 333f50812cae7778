// Extreme inputs of the losses of autograd/ops/losses/: probabilities of 0 and 1, tails, vectors of length 0, targets
// that no alignment fits.
#include <cmath>

#include <ditharos/autograd/ops.h>
#include <ditharos/tensor/kernels/copy/copy.h>
#include "tests/op_table/extremes/op_extremes.h"

namespace ditharos::tests {
namespace op_extremes_losses {
namespace {

void add_probabilities(Rows& rows) {
  add_extremes(rows, "binary_cross_entropy",
               {with_op(stated("probabilities of 0 and 1", {line({0, 1, 0, 1, .5})},
                               line({0, 0, 100, 100, std::log(2.0)}), {line({0, 0, -1e12, 1e12, 0})}),
                        [](const Tensors& in) {
                          const Tensor target = to(from_vector<float>({0, 1, 1, 0, .5f}), in[0].dtype());
                          return binary_cross_entropy(in[0], target, {}, Reduction::none);
                        })});
  const std::vector<double> tails = {-800, -40, -3, 0, 3, 40, 80};
  add_extremes(
      rows, "soft_margin_loss",
      {with_op(points(
                   "tails", tails, [](Real x) { return (x < 0 ? -x : 0) + std::log1p(std::exp(-std::abs(x))); },
                   [](Real x) { return -1 / (1 + std::exp(x)); }),
               [](const Tensors& in) { return soft_margin_loss(in[0], ones_like(in[0]), Reduction::none); })});
}

void add_vectors(Rows& rows) {
  Extreme none = with_op(stated("a vector of length 0", {grid(1, 2, {0, 0}), grid(1, 2, {3, 4})}, line({1}),
                                {grid(1, 2, {-6e5, -8e5}), grid(1, 2, {0, 0})}),
                         [](const Tensors& in) {
                           return cosine_embedding_loss(in[0], in[1], from_vector<int64_t>({1}), 0, Reduction::none);
                         });
  add_extremes(rows, "cosine_embedding_loss", {none});
}

Extreme alignment(const std::string& what, const Array& log_probs, const std::vector<int64_t>& target, double value,
                  const Array& gradient, bool zero_infinity) {
  return with_op(stated(what, {log_probs}, line({value}), {gradient}), [=](const Tensors& in) {
    const Tensor x = reshape(in[0], {in[0].size(0), 1, in[0].size(1)});
    return ctc_loss(x, from_vector(target), {in[0].size(0)}, {int64_t(target.size())},
                    {.reduction = Reduction::none, .zero_infinity = zero_infinity});
  });
}

void add_alignments(Rows& rows) {
  const Array short_input = grid(2, 2, {std::log(.25), std::log(.75), std::log(.5), std::log(.5)});
  const Array certain = grid(2, 2, {-infinite, 0, 0, -infinite});
  const double no = not_a_number;
  add_extremes(
      rows, "ctc_loss",
      {alignment("a target that does not fit", short_input, {1, 1}, infinite, grid(2, 2, {no, no, no, no}), false),
       alignment("the same, without its infinity", short_input, {1, 1}, 0, grid(2, 2, {0, 0, 0, 0}), true),
       alignment("impossible classes", certain, {1}, 0, grid(2, 2, {0, 0, 0, 0}), false)});
}

}  // namespace
}  // namespace op_extremes_losses

void add_further_loss_extremes(Rows& rows) {
  op_extremes_losses::add_probabilities(rows);
  op_extremes_losses::add_vectors(rows);
  op_extremes_losses::add_alignments(rows);
  no_extremes(rows, {"multilabel_soft_margin_loss"}, "means of binary_cross_entropy_with_logits()");
  no_extremes(rows, {"poisson_nll_loss", "gaussian_nll_loss"}, "sums of exp(), log() and quotients");
  no_extremes(rows, {"hinge_embedding_loss", "margin_ranking_loss"}, "clamp_min() of differences");
  no_extremes(rows, {"multi_margin_loss", "multilabel_margin_loss"}, "sums of relu() of differences");
  no_extremes(rows, {"pairwise_distance"}, "norm() of a difference");
  no_extremes(rows, {"triplet_margin_loss", "triplet_margin_with_distance_loss"}, "clamp_min() of distances");
}

}  // namespace ditharos::tests
