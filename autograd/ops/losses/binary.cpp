// Losses for two classes, and for several labels of two classes each.
#include <ditharos/autograd/node.h>
#include <ditharos/autograd/ops.h>
#include <ditharos/autograd/ops/losses/checked.h>

namespace ditharos {
namespace {

constexpr double least_logarithm = -100;

Tensor capped_log(const Tensor& x) { return clamp_min(log(x), least_logarithm); }
/// ln(1 - x)
Tensor capped_log_of_rest(const Tensor& x) { return clamp_min(log1p(-x), least_logarithm); }

Tensor binary_losses(const Tensor& p, const Tensor& t) {
  return -(t * capped_log(p) + (1.0 - t) * capped_log_of_rest(p));
}

/// -(w t log sigmoid(x) + (1 - t) log(1 - sigmoid(x))) for the weight w of the positive class, or undefined.
Tensor logit_losses(const Tensor& logits, const Tensor& target, const Tensor& pos_weight) {
  // -log sigmoid(x) = softplus(-x) and -log(1 - sigmoid(x)) = softplus(x); neither overflows.
  const Tensor positive = weighted(target, softplus(-logits)), negative = weighted(1.0 - target, softplus(logits));
  return (pos_weight.defined() ? weighted(pos_weight, positive) : positive) + negative;
}

}  // namespace

Tensor binary_cross_entropy_with_logits(const Tensor& logits, const Tensor& target, const Tensor& pos_weight,
                                        Reduction reduction) {
  return binary_cross_entropy_with_logits(logits, target,
                                          BinaryLossOptions{.pos_weight = pos_weight, .reduction = reduction});
}

Tensor binary_cross_entropy_with_logits(const Tensor& logits, const Tensor& target, const BinaryLossOptions& options) {
  const char* op = "binary_cross_entropy_with_logits";
  check_pair(op, logits, target);
  check_factor(op, "pos_weight", logits, options.pos_weight);
  check_factor(op, "weight", logits, options.weight);
  const Tensor losses = logit_losses(logits, target, options.pos_weight);
  return reduced_losses(op, options.weight.defined() ? weighted(options.weight, losses) : losses, options.reduction);
}

Tensor binary_cross_entropy(const Tensor& probabilities, const Tensor& target, const Tensor& weight,
                            Reduction reduction) {
  const char* op = "binary_cross_entropy";
  check_pair(op, probabilities, target);
  check_factor(op, "weight", probabilities, weight);
  const Tensor p = probabilities.detach();
  check(any(logical_or(p < 0.0, p > 1.0)).item() == 0, "[", op, "] every probability must be in [0, 1]; for logits ",
        "there is binary_cross_entropy_with_logits");
  // dp = g (p - t) / (p (1 - p)), with a divisor of at least 1e-12; dt = g (log(1 - p) - log p)
  const auto slope = [](const Tensor& p_, const Tensor& t) { return (p_ - t) / clamp_min(p_ * (1.0 - p_), 1e-12); };
  const auto slope_of_target = [](const Tensor& p_) { return capped_log_of_rest(p_) - capped_log(p_); };
  const Tensor losses =
      record(op, binary_losses(p, target.detach()), {probabilities, target}, save_inputs,
             each([slope](const Backward& d) { return d.grad() * slope(d.input(0), d.input(1)); },
                  [slope_of_target](const Backward& d) { return d.grad() * slope_of_target(d.input(0)); }),
             elementwise);
  return reduced_losses(op, weight.defined() ? weighted(weight, losses) : losses, reduction);
}

Tensor soft_margin_loss(const Tensor& x, const Tensor& y, Reduction reduction) {
  const char* op = "soft_margin_loss";
  check_floating(op, x.dtype());
  check<ShapeError>(x.shape() == y.shape(), "[", op, "] the prediction has shape ", x.shape(), ", the target ",
                    y.shape(), "; they must be equal");
  return reduced_losses(op, softplus(-(signs_like(op, x, y) * x)), reduction);
}

Tensor multilabel_soft_margin_loss(const Tensor& logits, const Tensor& target, const Tensor& weight,
                                   Reduction reduction) {
  const char* op = "multilabel_soft_margin_loss";
  check_pair(op, logits, target);
  check<ShapeError>(logits.rank() >= 1, "[", op, "] needs logits [N, C] or [C], got a scalar");
  check_factor(op, "weight", logits, weight);
  const Tensor losses = logit_losses(logits, target, {});
  const Tensor rows = sum(weight.defined() ? weighted(weight, losses) : losses, -1);
  return reduced_losses(op, rows / double(logits.size(-1)), reduction);
}

}  // namespace ditharos
