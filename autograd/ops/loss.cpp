// The losses of every training program: of errors, divergences and classes. Further ones are in losses/.
#include <limits>

#include <ditharos/autograd/node.h>
#include <ditharos/autograd/ops.h>
#include <ditharos/autograd/ops/detail/operands.h>
#include <ditharos/autograd/ops/losses/checked.h>
#include <ditharos/tensor/kernels/loss/mse.h>
#include <ditharos/tensor/kernels/pointwise/pointwise.h>
#include <ditharos/tensor/kernels/reduce/softmax.h>

namespace ditharos {

Tensor reduced_losses(const char* op, const Tensor& losses, Reduction reduction) {
  check_mean(op, losses.shape(), reduction);
  if (reduction == Reduction::none) return losses;
  return reduction == Reduction::sum ? sum(losses) : mean(losses);
}

Tensor weighted(const Tensor& w, const Tensor& x) {
  if (kernels::all_finite(x)) return w * x;
  const Tensor size = kernels::unary(kernels::Unary::abs, x), zero = scalar(0, x.dtype());
  const Tensor infinite = equal(size, scalar(std::numeric_limits<double>::infinity(), x.dtype()));
  return w * where(logical_and(infinite, equal(w, zero)), zero, x);
}

namespace {

/// e^2 / 2 for |e| <= delta, else delta (|e| - delta / 2).
Tensor huber(const Tensor& error, double delta) {
  const Tensor size = abs(error), near = less_equal(size, scalar(delta, size.dtype()));
  // In the linear range the square is taken of 0 instead of the error, so that the derivative of the branch that is not
  // selected stays finite: 0 times infinity would be NaN.
  const Tensor inside = where(near, error, scalar(0, error.dtype()));
  return where(near, square(inside) * .5, (size - .5 * delta) * delta);
}

/// Weights that have the prediction's shape, as those of mse_loss and its kind do.
void check_weight(const char* op, const Tensor& prediction, const Tensor& weight) {
  if (!weight.defined()) return;
  check<ShapeError>(weight.shape() == prediction.shape(), "[", op, "] the prediction has shape ", prediction.shape(),
                    ", the weights ", weight.shape(), "; they must be equal");
  check_one_dtype(op, "the prediction", prediction, "the weights", weight);
}

/// sum(w l) / sum(w) in place of a mean.
Tensor weighted_losses(const char* op, const Tensor& losses, const Tensor& weight, Reduction reduction) {
  if (!weight.defined()) return reduced_losses(op, losses, reduction);
  check_mean(op, losses.shape(), reduction);
  const Tensor products = weighted(weight, losses);
  return reduction == Reduction::mean ? sum(products) / sum(weight) : reduced_losses(op, products, reduction);
}

}  // namespace

Tensor mse_loss(const Tensor& prediction, const Tensor& target, Reduction reduction, const Tensor& weight) {
  check_pair("mse_loss", prediction, target);
  check_weight("mse_loss", prediction, weight);
  if (reduction != Reduction::mean || weight.defined())
    return weighted_losses("mse_loss", square(prediction - target), weight, reduction);
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

Tensor l1_loss(const Tensor& prediction, const Tensor& target, Reduction reduction, const Tensor& weight) {
  check_pair("l1_loss", prediction, target);
  check_weight("l1_loss", prediction, weight);
  return weighted_losses("l1_loss", abs(prediction - target), weight, reduction);
}

Tensor huber_loss(const Tensor& prediction, const Tensor& target, double delta, Reduction reduction,
                  const Tensor& weight) {
  check_pair("huber_loss", prediction, target);
  check_weight("huber_loss", prediction, weight);
  check<ConfigError>(delta > 0, "[huber_loss] delta must be positive, got ", delta);
  const Tensor losses = huber(prediction - target, delta);
  return reduced_losses("huber_loss", weight.defined() ? weighted(weight, losses) : losses, reduction);
}

Tensor smooth_l1_loss(const Tensor& prediction, const Tensor& target, double beta, Reduction reduction) {
  check_pair("smooth_l1_loss", prediction, target);
  check<ConfigError>(beta >= 0, "[smooth_l1_loss] beta must be 0 or more, got ", beta);
  // As 0, a number by which losses of the dtype cannot be multiplied and divided again.
  const double least = prediction.dtype() == DType::f64 ? double(std::numeric_limits<double>::min())
                                                        : double(std::numeric_limits<float>::min());
  if (beta < least) return reduced_losses("smooth_l1_loss", abs(prediction - target), reduction);
  return reduced_losses("smooth_l1_loss", huber(prediction - target, beta) / beta, reduction);
}

Tensor kl_div(const Tensor& log_prediction, const Tensor& target, Reduction reduction, bool log_target) {
  check_pair("kl_div", log_prediction, target);
  Tensor losses;
  if (log_target) {
    // e^t (t - log p), and 0 where t is minus infinity.
    const Tensor absent = equal(target, -std::numeric_limits<double>::infinity());
    losses = exp(target) * where(absent, 0, target - log_prediction);
  } else {
    // t (log t - log p), and 0 where t is 0: there the logarithm is taken of 1.
    const Tensor zero = scalar(0, target.dtype()), absent = equal(target, zero);
    const Tensor logarithm = log(where(absent, scalar(1, target.dtype()), target));
    losses = target * (logarithm - where(absent, zero, log_prediction));
  }
  if (reduction != Reduction::batchmean) return reduced_losses("kl_div", losses, reduction);
  check<ShapeError>(losses.rank() > 0 && losses.size(0) > 0, "[kl_div] a loss of shape ", losses.shape(),
                    " has no batch, so there is no batchmean");
  return sum(losses) / double(losses.size(0));
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
    check_reduction(op, options.reduction);
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

/// The losses of `rows` (logits [M, C], labels [M]) for logits [C] and [N, C, d...].
template <class F>
Tensor by_rows(const char* op, const Tensor& x, const Tensor& labels, Reduction reduction, const F& rows) {
  if (x.rank() == 0 || x.rank() == 2) return rows(x, labels);
  const int axis = x.rank() == 1 ? 0 : 1;  // of the classes
  Shape shape = x.shape();
  shape.erase(axis);
  check<ShapeError>(labels.shape() == shape, "[", op, "] needs logits [N, C, d...] and labels [N, d...], or [C] and ",
                    "[], got ", x.shape(), " and ", labels.shape());
  const Tensor last = reshape(movedim(x, axis, -1), {numel(shape), x.size(axis)});
  const Tensor losses = rows(last, reshape(labels, {numel(shape)}));
  return reduction == Reduction::none ? reshape(losses, shape) : losses;
}

Tensor cross_entropy_of_labels(const Tensor& logits, const Tensor& labels, const LabelLossOptions& options) {
  const double smoothing = options.label_smoothing;
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

Tensor cross_entropy_of_probabilities(const Tensor& logits, const Tensor& target, const LabelLossOptions& options) {
  const char* op = "cross_entropy";
  check_floating(op, logits.dtype());
  check_one_dtype(op, "the logits", logits, "the target", target);
  check_one_dtype(op, "the logits", logits, "the classes' weights", options.weight);
  check<ConfigError>(options.ignore_index < 0, "[", op, "] probabilities as a target have no label to ignore, got ",
                     "ignore_index = ", options.ignore_index);
  const int axis = logits.rank() == 1 ? 0 : 1;  // of the classes
  const int64_t classes = logits.size(axis);
  check<ShapeError>(!options.weight.defined() || options.weight.shape() == Shape{classes}, "[", op,
                    "] the classes' weights must be [", classes, "], got ",
                    options.weight.defined() ? options.weight.shape() : Shape{});
  Tensor share = target;
  if (options.label_smoothing > 0)
    share = share * (1 - options.label_smoothing) + options.label_smoothing / double(classes);
  if (options.weight.defined()) {
    Shape stretched{classes};
    for (int i = axis + 1; i < logits.rank(); ++i) stretched.insert(stretched.rank(), 1);
    share = share * reshape(options.weight, stretched);
  }
  return reduced_losses(op, sum(weighted(share, -log_softmax(logits, axis)), axis), options.reduction);
}

}  // namespace

Tensor cross_entropy(const Tensor& logits, const Tensor& target, const LabelLossOptions& options) {
  const double smoothing = options.label_smoothing;
  check<ConfigError>(smoothing >= 0 && smoothing <= 1, "[cross_entropy] label_smoothing must be in [0, 1], got ",
                     smoothing);
  check_floating("cross_entropy", logits.dtype());
  if (is_floating(target.dtype()) && target.shape() == logits.shape() && logits.rank() > 0)
    return cross_entropy_of_probabilities(logits, target, options);
  return by_rows("cross_entropy", logits, target, options.reduction,
                 [&](const Tensor& x, const Tensor& labels) { return cross_entropy_of_labels(x, labels, options); });
}

Tensor nll_loss(const Tensor& log_probabilities, const Tensor& labels, const LabelLossOptions& options) {
  check<ConfigError>(options.label_smoothing == 0,
                     "[nll_loss] has no label smoothing; use cross_entropy on the logits");
  return by_rows("nll_loss", log_probabilities, labels, options.reduction, [&](const Tensor& x, const Tensor& of_rows) {
    const Labels rows("nll_loss", x, of_rows, options);
    const Tensor losses = -squeeze(gather(x, -1, unsqueeze(rows.index, 1)), 1);
    return rows.finish(rows.weight.defined() ? weighted(rows.weight, losses) : losses, options.reduction);
  });
}

}  // namespace ditharos
