// Losses. They refuse shapes that differ: a silent broadcast of [N] against [N, 1] trains towards the wrong target.
#include <limits>

#include <ditharos/autograd/node.h>
#include <ditharos/autograd/ops.h>
#include <ditharos/autograd/ops/detail/operands.h>
#include <ditharos/tensor/kernels/loss/mse.h>
#include <ditharos/tensor/kernels/pointwise/pointwise.h>
#include <ditharos/tensor/kernels/reduce/softmax.h>

namespace ditharos {
namespace {

void check_pair(const char* op, const Tensor& prediction, const Tensor& target) {
  check_floating(op, prediction.dtype());
  check<ShapeError>(prediction.shape() == target.shape(), "[", op, "] the prediction has shape ", prediction.shape(),
                    ", the target ", target.shape(), "; they must be equal");
  check_one_dtype(op, "the prediction", prediction, "the target", target);
}

void check_mean(const char* op, const Shape& shape, Reduction reduction) {
  check<ShapeError>(reduction != Reduction::mean || numel(shape) > 0, "[", op, "] a loss of shape ", shape,
                    " has no elements, so there is no mean");
}

Tensor reduced_losses(const char* op, const Tensor& losses, Reduction reduction) {
  check_mean(op, losses.shape(), reduction);
  switch (reduction) {
    case Reduction::none: return losses;
    case Reduction::sum: return sum(losses);
    case Reduction::mean: break;
  }
  return mean(losses);
}

/// e^2 / 2 for |e| <= delta, else delta (|e| - delta / 2).
Tensor huber(const Tensor& error, double delta) {
  const Tensor size = abs(error), near = less_equal(size, scalar(delta, size.dtype()));
  // In the linear range the square is taken of 0 instead of the error, so that the derivative of the branch that is not
  // selected stays finite: 0 times infinity would be NaN.
  const Tensor inside = where(near, error, scalar(0, error.dtype()));
  return where(near, square(inside) * .5, (size - .5 * delta) * delta);
}

/// w x, and 0 where w is 0, even for an infinite x.
Tensor weighted(const Tensor& w, const Tensor& x) {
  if (kernels::all_finite(x)) return w * x;
  const Tensor size = kernels::unary(kernels::Unary::abs, x), zero = scalar(0, x.dtype());
  const Tensor infinite = equal(size, scalar(std::numeric_limits<double>::infinity(), x.dtype()));
  return w * where(logical_and(infinite, equal(w, zero)), zero, x);
}

}  // namespace

Tensor mse_loss(const Tensor& prediction, const Tensor& target, Reduction reduction) {
  check_pair("mse_loss", prediction, target);
  if (reduction != Reduction::mean) return reduced_losses("mse_loss", square(prediction - target), reduction);
  check_mean("mse_loss", prediction.shape(), reduction);
  // d/dp mean (p - t)^2 = 2 (p - t) / n, and the negative of it for t
  const auto kernel = [](const Backward& d) -> Grads {
    const Tensor dp = kernels::mse_backward(d.grad(), d.input(0), d.input(1));
    return {dp, d.needs(1) ? kernels::unary(kernels::Unary::neg, dp) : Tensor{}};
  };
  return record("mse_loss", kernels::mse(prediction, target), {prediction, target}, save_inputs,
                fused(kernel, derivative_of([](const std::vector<Tensor>& in) { return mean(square(in[0] - in[1])); })),
                [&](const Tangents& d) {
                  const Tensor error = prediction - target, change = d[0].defined() && d[1].defined() ? d[0] - d[1]
                                                                     : d[0].defined()                 ? d[0]
                                                                                                      : -d[1];
                  return mean(error * change) * 2.0;
                });
}

Tensor l1_loss(const Tensor& prediction, const Tensor& target, Reduction reduction) {
  check_pair("l1_loss", prediction, target);
  return reduced_losses("l1_loss", abs(prediction - target), reduction);
}

Tensor huber_loss(const Tensor& prediction, const Tensor& target, double delta, Reduction reduction) {
  check_pair("huber_loss", prediction, target);
  check<ConfigError>(delta > 0, "[huber_loss] delta must be positive, got ", delta);
  return reduced_losses("huber_loss", huber(prediction - target, delta), reduction);
}

Tensor smooth_l1_loss(const Tensor& prediction, const Tensor& target, double beta, Reduction reduction) {
  check_pair("smooth_l1_loss", prediction, target);
  check<ConfigError>(beta > 0, "[smooth_l1_loss] beta must be positive, got ", beta);
  return reduced_losses("smooth_l1_loss", huber(prediction - target, beta) / beta, reduction);
}

Tensor binary_cross_entropy_with_logits(const Tensor& logits, const Tensor& target, const Tensor& pos_weight,
                                        Reduction reduction) {
  const char* op = "binary_cross_entropy_with_logits";
  check_pair(op, logits, target);
  check_one_dtype(op, "the logits", logits, "pos_weight", pos_weight);
  check<ShapeError>(!pos_weight.defined() || broadcastable_to(pos_weight.shape(), target.shape()), "[", op,
                    "] pos_weight of shape ", pos_weight.defined() ? pos_weight.shape() : Shape{},
                    " does not broadcast to the target's shape ", target.shape());
  // -log sigmoid(x) = softplus(-x) and -log(1 - sigmoid(x)) = softplus(x); neither overflows.
  const Tensor positive = weighted(target, softplus(-logits)), negative = weighted(1.0 - target, softplus(logits));
  return reduced_losses(op, (pos_weight.defined() ? weighted(pos_weight, positive) : positive) + negative, reduction);
}

Tensor kl_div(const Tensor& log_prediction, const Tensor& target, Reduction reduction) {
  check_pair("kl_div", log_prediction, target);
  // t (log t - log p), and 0 where t is 0: there the logarithm is taken of 1.
  const Tensor zero = scalar(0, target.dtype()), absent = equal(target, zero);
  const Tensor log_target = log(where(absent, scalar(1, target.dtype()), target));
  return reduced_losses("kl_div", target * (log_target - where(absent, zero, log_prediction)), reduction);
}

namespace {

/// -log softmax(logits)[label] for every row, [N].
Tensor cross_entropy_rows(const Tensor& logits, const Tensor& labels) {
  // dlogits = g (softmax(logits) - onehot(label)); p - 1 of the label is minus the sum of the other p, which is not
  // lost when p rounds to 1.
  return record(
      "cross_entropy", kernels::cross_entropy(logits, labels), {logits, labels}, save_inputs,
      fused(each([](const Backward& d) { return kernels::cross_entropy_backward(d.grad(), d.input(0), d.input(1)); }),
            each([](const Backward& d) {
              const Tensor x = d.input(0), label = d.input(1);
              const Tensor own = equal(arange(x.size(1), DType::i64), unsqueeze(label, 1));  // [N, C]
              const Tensor others = where(own, scalar(0, x.dtype()), softmax(x, -1));
              return unsqueeze(d.grad(), 1) * where(own, -sum(others, {-1}, true), others);
            })),
      // sum over the classes of p (dx - dx of the label)
      [&](const Tangents& d) {
        const Tensor relative = d[0] - gather(d[0], -1, unsqueeze(labels, 1));
        return sum(softmax(logits, -1) * relative, {-1});
      });
}

/// Labels of rows, some of which may be ignored, and the rows' weights.
struct Labels {
  Tensor index;       ///< [N], 0 for ignored rows
  Tensor ignored;     ///< [N] of booleans; undefined when no row is ignored
  Tensor weight;      ///< [N]; undefined when every row counts the same
  int64_t count = 0;  ///< of the rows that are not ignored

  Labels(const char* op, const Tensor& x, const Tensor& labels, const LabelLossOptions& options) : index(labels) {
    check<ShapeError>(x.rank() == 2 && labels.rank() == 1 && x.size(0) == labels.size(0), "[", op,
                      "] needs logits [N, C] and labels [N], got ", x.shape(), " and ", labels.shape());
    check_floating(op, x.dtype());
    check<DTypeError>(labels.dtype() == DType::i64, "[", op, "] labels must be i64, got ", labels.dtype());
    const Tensor marked = equal(labels, scalar(double(options.ignore_index), DType::i64));
    count = labels.numel() - int64_t(sum(marked).item());
    check<ShapeError>(count > 0 || options.reduction != Reduction::mean, "[", op, "] none of the ", labels.numel(),
                      " labels counts, so there is no mean");
    if (count < labels.numel()) {
      ignored = marked;
      index = where(marked, scalar(0, DType::i64), labels);
    }
    index = kernels::checked_labels(op, x, index);
    if (!options.weight.defined()) return;
    check<ShapeError>(options.weight.shape() == Shape{x.size(1)}, "[", op, "] the classes' weights must be [",
                      x.size(1), "], got ", options.weight.shape());
    check_one_dtype(op, "the logits", x, "the classes' weights", options.weight);
    weight = index_select(options.weight, index);
  }

  /// The losses [N] reduced: ignored rows give 0, and the mean is weighted.
  Tensor finish(Tensor losses, Reduction reduction) const {
    if (ignored.defined()) losses = masked_fill(losses, ignored, 0);
    if (reduction != Reduction::mean) return reduced_losses("", losses, reduction);
    if (!weight.defined()) return sum(losses) / double(count);
    return sum(losses) / sum(ignored.defined() ? masked_fill(weight, ignored, 0) : weight);
  }
};

}  // namespace

Tensor cross_entropy(const Tensor& logits, const Tensor& labels, const LabelLossOptions& options) {
  const double smoothing = options.label_smoothing;
  check<ConfigError>(smoothing >= 0 && smoothing <= 1, "[cross_entropy] label_smoothing must be in [0, 1], got ",
                     smoothing);
  const Labels rows("cross_entropy", logits, labels, options);
  Tensor losses = cross_entropy_rows(logits, rows.index);
  if (rows.weight.defined()) losses = weighted(rows.weight, losses);
  if (smoothing > 0) {
    // The target is (1 - s) onehot(label) + s / C.
    const Tensor surprise = -log_softmax(logits, -1);
    const Tensor even = sum(options.weight.defined() ? weighted(options.weight, surprise) : surprise, {-1});
    losses = losses * (1 - smoothing) + even * smoothing / double(logits.size(1));
  }
  return rows.finish(losses, options.reduction);
}

Tensor nll_loss(const Tensor& log_probabilities, const Tensor& labels, const LabelLossOptions& options) {
  check<ConfigError>(options.label_smoothing == 0,
                     "[nll_loss] has no label smoothing; use cross_entropy on the logits");
  const Labels rows("nll_loss", log_probabilities, labels, options);
  const Tensor losses = -squeeze(gather(log_probabilities, -1, unsqueeze(rows.index, 1)), 1);
  return rows.finish(rows.weight.defined() ? weighted(rows.weight, losses) : losses, options.reduction);
}

}  // namespace ditharos
