// Connectionist temporal classification.
#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include <ditharos/autograd/node.h>
#include <ditharos/autograd/ops.h>
#include <ditharos/autograd/ops/losses/checked.h>
#include <ditharos/tensor/kernels/loss/ctc.h>

namespace ditharos {
namespace {

constexpr const char* ctc = "ctc_loss";

using Lengths = std::vector<int64_t>;

std::string text_of(const Lengths& lengths) {
  std::string text = "[";
  for (size_t i = 0; i < lengths.size(); ++i) text += (i ? ", " : "") + std::to_string(lengths[i]);
  return text + "]";
}

/// The targets of a call in one list, after all checks. log_probs is [T, N, C].
kernels::CtcTargets checked_targets(const Tensor& log_probs, const Tensor& targets, const Lengths& input_lengths,
                                    const Lengths& target_lengths, int64_t blank) {
  const int64_t time = log_probs.size(0), batch = log_probs.size(1), classes = log_probs.size(2);
  check<DTypeError>(targets.dtype() == DType::i64, "[", ctc, "] targets must be i64, got ", targets.dtype());
  check<ConfigError>(blank >= 0 && blank < classes, "[", ctc, "] the blank must be in [0, ", classes, "), got ", blank);
  check<ShapeError>(int64_t(input_lengths.size()) == batch && int64_t(target_lengths.size()) == batch, "[", ctc,
                    "] a batch of ", batch, " needs as many lengths, got ", input_lengths.size(), " of inputs and ",
                    target_lengths.size(), " of targets");
  const bool padded = targets.rank() == 2;
  check<ShapeError>((padded && targets.size(0) == batch) || targets.rank() == 1, "[", ctc, "] targets must be [", batch,
                    ", S] or [sum of their lengths], got ", targets.shape());
  kernels::CtcTargets result{.labels = {}, .offsets = {0}, .input_lengths = input_lengths, .blank = blank};
  int64_t longest = 0, total = 0;
  for (int64_t n = 0; n < batch; ++n) {
    const int64_t input = input_lengths[size_t(n)], target = target_lengths[size_t(n)];
    check<ShapeError>(input >= 0 && input <= time, "[", ctc, "] the length ", input, " of input ", n, " is not in [0, ",
                      time, "]");
    check<ShapeError>(target >= 0 && target <= targets.numel(), "[", ctc, "] the length ", target, " of target ", n,
                      " does not fit into targets of shape ", targets.shape());
    longest = std::max(longest, target);
    total += target;
    result.offsets.push_back(total);
  }
  check<ShapeError>(padded ? longest <= targets.size(1) : total == targets.size(0), "[", ctc, "] targets of lengths ",
                    text_of(target_lengths), " do not fit into shape ", targets.shape());
  const std::vector<int64_t> list = targets.to_vector<int64_t>();
  for (int64_t n = 0; n < batch; ++n) {
    const int64_t begin = padded ? n * targets.size(1) : result.offsets[size_t(n)];
    for (int64_t i = 0; i < target_lengths[size_t(n)]; ++i) {
      const int64_t label = list[size_t(begin + i)];
      check<ShapeError>(label >= 0 && label < classes && label != blank, "[", ctc, "] label ", label, " of target ", n,
                        " must be in [0, ", classes, ") and not the blank, ", blank);
      result.labels.push_back(label);
    }
  }
  return result;
}

/// The recursion over time in public operations, whose gradient is that of the kernel: the losses, and the sums of
/// all probabilities, which do not change where these add up to 1.
class CtcComposite {
 public:
  CtcComposite(const kernels::CtcTargets& targets, int64_t time, bool zero_infinity) : zero_infinity_(zero_infinity) {
    const auto batch = int64_t(targets.input_lengths.size()), states = 2 * targets.longest() + 1;
    std::vector<int64_t> label, last;
    std::vector<uint8_t> skips;
    for (int64_t n = 0; n < batch; ++n) {
      const int64_t length = targets.length(n), begin = targets.offsets[size_t(n)];
      last.push_back(2 * length);
      for (int64_t s = 0; s < states; ++s) {
        const auto at = [&](int64_t i) { return targets.labels[size_t(begin + i)]; };
        const bool own = s % 2 == 1 && s / 2 < length;
        label.push_back(own ? at(s / 2) : targets.blank);
        skips.push_back(own && s >= 3 && at(s / 2) != at(s / 2 - 1));
      }
    }
    labels_ = broadcast_to(from_vector(label, {1, batch, states}), {time, batch, states});
    skips_ = to(from_vector(skips, {batch, states}), DType::boolean);
    last_ = from_vector(last, {batch, 1});
    running_ = less(reshape(arange(time, DType::i64), {time, 1}), from_vector(targets.input_lengths, {1, batch}));
    starts_ = unsqueeze(less(arange(states, DType::i64), 2.0), 0);
    blank_only_ = equal(select(last_, 1, 0), 0.0);
  }

  Tensor operator()(const Tensor& log_probs) const {
    const int64_t time = log_probs.size(0), batch = log_probs.size(1), states = labels_.size(2);
    if (time == 0) return sum(log_probs, {0, 2});
    const Tensor x = to(log_probs, DType::f64);
    // Impossible states have a large number instead of minus infinity, whose differences would be NaN.
    const Tensor here = clamp_min(gather(x, 2, labels_), never);  // [T, N, states]
    const Tensor none = full({batch, 1}, never, DType::f64);
    Tensor alpha = where(starts_, select(here, 0, 0), never);  // [N, states]
    for (int64_t t = 1; t < time; ++t) {
      const Tensor one = narrow(cat({none, alpha}, 1), 1, 0, states);
      const Tensor two = where(skips_, narrow(cat({none, none, alpha}, 1), 1, 0, states), never);
      const Tensor next = logsumexp(stack({alpha, one, two}, 0), {0}) + select(here, 0, t);
      alpha = where(unsqueeze(select(running_, 0, t), 1), next, alpha);
    }
    const Tensor end = squeeze(gather(alpha, 1, last_), 1);
    const Tensor before = squeeze(gather(alpha, 1, maximum_index(last_)), 1);
    const Tensor losses = -logaddexp(end, where(blank_only_, never, before));
    const Tensor mass = sum(where(unsqueeze(running_, 2), exp(x), 0), {0, 2});
    const Tensor fits = less(losses, -never / 2);
    const double otherwise = zero_infinity_ ? 0 : std::numeric_limits<double>::quiet_NaN();
    const Tensor factor = where(fits, full({batch}, 1, DType::f64), otherwise);
    return to((losses + mass) * factor, log_probs.dtype());
  }

 private:
  static constexpr double never = -1e200;
  /// The state before the last one; 0 where there is none.
  static Tensor maximum_index(const Tensor& last) { return where(equal(last, 0.0), last, last - 1.0); }

  bool zero_infinity_;
  Tensor labels_, skips_, last_, running_, starts_, blank_only_;
};

/// The losses [N] for log_probs [T, N, C].
Tensor ctc_losses(const Tensor& log_probs, const kernels::CtcTargets& targets, bool zero_infinity) {
  const kernels::CtcForward forward = kernels::ctc(log_probs, targets);
  // The constants are made anew for each pass, so that no tensor is held that a program could write to.
  const auto by_composite = derivative_of([targets, zero_infinity](const std::vector<Tensor>& in) {
    return CtcComposite(targets, in[0].size(0), zero_infinity)(in[0]);
  });
  return record(ctc, forward.losses, {log_probs}, save_inputs | save_output,
                fused(
                    [targets, zero_infinity, alpha = Saved(forward.log_alpha)](const Backward& d) -> Grads {
                      return {kernels::ctc_backward(d.grad(), d.input(0), targets, {d.output(), d.intermediate(alpha)},
                                                    zero_infinity)};
                    },
                    by_composite),
                fused(
                    [&](const Tangents& d) {
                      const Tensor slopes =
                          kernels::ctc_backward(ones_like(forward.losses), log_probs, targets, forward, zero_infinity);
                      return sum(slopes * d[0], {0, 2});
                    },
                    by_composite));
}

Lengths as_lengths(const Tensor& x, const char* what) {
  check<DTypeError>(x.dtype() == DType::i64, "[", ctc, "] the lengths of the ", what, " must be i64, got ", x.dtype());
  check<ShapeError>(x.rank() <= 1, "[", ctc, "] the lengths of the ", what, " must be [N], got ", x.shape());
  return x.to_vector<int64_t>();
}

}  // namespace

Tensor ctc_loss(const Tensor& log_probs, const Tensor& targets, const Lengths& input_lengths,
                const Lengths& target_lengths, const CtcOptions& options) {
  check_floating(ctc, log_probs.dtype());
  check_reduction(ctc, options.reduction);
  check<ShapeError>(log_probs.rank() == 2 || log_probs.rank() == 3, "[", ctc,
                    "] needs log_probs [T, N, C] or [T, C], got ", log_probs.shape());
  const bool one = log_probs.rank() == 2;
  const Tensor x = one ? unsqueeze(log_probs, 1) : log_probs;
  const kernels::CtcTargets list = checked_targets(x, targets, input_lengths, target_lengths, options.blank);
  check_mean(ctc, {x.size(1)}, options.reduction);
  Tensor losses = ctc_losses(x, list, options.zero_infinity);
  if (options.zero_infinity) losses = where(isinf(losses), 0, losses);
  if (options.reduction == Reduction::mean) {
    std::vector<double> lengths;
    for (const int64_t length : target_lengths) lengths.push_back(double(std::max<int64_t>(length, 1)));
    losses = losses / to(from_vector(lengths), x.dtype());
  }
  return reduced_losses(ctc, one && options.reduction == Reduction::none ? squeeze(losses, 0) : losses,
                        options.reduction);
}

Tensor ctc_loss(const Tensor& log_probs, const Tensor& targets, const Tensor& input_lengths,
                const Tensor& target_lengths, const CtcOptions& options) {
  return ctc_loss(log_probs, targets, as_lengths(input_lengths, "inputs"), as_lengths(target_lengths, "targets"),
                  options);
}

}  // namespace ditharos
