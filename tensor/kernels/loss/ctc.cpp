#include <ditharos/tensor/kernels/loss/ctc.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include <ditharos/tensor/factory.h>
#include <ditharos/tensor/kernels/copy/copy.h>
#include <ditharos/tensor/kernels/dispatch.h>
#include <ditharos/tensor/parallel.h>

namespace ditharos::kernels {
namespace {

constexpr double impossible = -std::numeric_limits<double>::infinity();

/// ln(e^a + e^b + e^c)
double log_sum(double a, double b, double c) {
  const double top = std::max({a, b, c});
  if (top == impossible) return a + b + c;  // minus infinity, or NaN if one of them is NaN
  return top + std::log(std::exp(a - top) + std::exp(b - top) + std::exp(c - top));
}

/// One sequence: its states, and the logarithms of the probabilities of its classes.
template <class T>
struct Sequence {
  const T* log_probs;  // [T, N, C], from the sequence's first row on
  int64_t row;         // elements from one time to the next
  const int64_t* labels;
  int64_t blank, time, states;

  Sequence(const T* all, const Shape& shape, const CtcTargets& targets, int64_t n)
      : log_probs(all + n * shape[2]), row(shape[1] * shape[2]),
        labels(targets.labels.data() + targets.offsets[size_t(n)]), blank(targets.blank),
        time(targets.input_lengths[size_t(n)]), states(2 * targets.length(n) + 1) {}

  int64_t label(int64_t state) const { return state % 2 == 0 ? blank : labels[state / 2]; }
  double at(int64_t t, int64_t state) const { return double(log_probs[t * row + label(state)]); }
  /// Whether a path may go from the state two before to this one: it leaves out the blank between two labels.
  bool skips(int64_t state) const { return state % 2 == 1 && state >= 3 && label(state) != label(state - 2); }

  /// The loss; `alpha` [time, states] in rows of `width`.
  double forward(double* alpha, int64_t width) const {
    if (time == 0) return states == 1 ? 0 : -impossible;
    for (int64_t t = 0; t < time; ++t, alpha += width)
      for (int64_t s = 0; s < states; ++s) {
        double before = s < 2 ? 0 : impossible;
        if (t > 0) {
          const double* last = alpha - width;
          before = log_sum(last[s], s >= 1 ? last[s - 1] : impossible, skips(s) ? last[s - 2] : impossible);
        }
        alpha[s] = before + at(t, s);
      }
    const double* end = alpha - width;
    return -log_sum(end[states - 1], states > 1 ? end[states - 2] : impossible, impossible);
  }

  /// Writes g (e^log_probs - shares) to `out`, which has the layout of log_probs and is 0. `beta` [2, states] holds
  /// the logarithms of the probabilities of all that follows a state, the state included.
  void backward(T g, const double* alpha, int64_t width, double loss, double* beta, T* out, int64_t classes) const {
    double *now = beta, *later = beta + states;
    for (int64_t t = time - 1; t >= 0; --t, std::swap(now, later)) {
      T* slopes = out + t * row;
      const T* own = log_probs + t * row;
      for (int64_t s = states - 1; s >= 0; --s) {
        double after = s >= states - 2 ? 0 : impossible;
        if (t < time - 1)
          after = log_sum(later[s], s + 1 < states ? later[s + 1] : impossible,
                          s + 2 < states && skips(s + 2) ? later[s + 2] : impossible);
        now[s] = after + at(t, s);
        const double here = alpha[t * width + s];
        if (here != impossible && now[s] != impossible) slopes[label(s)] -= T(std::exp(here + after + loss));
      }
      for (int64_t c = 0; c < classes; ++c) slopes[c] = g * (slopes[c] + T(std::exp(double(own[c]))));
    }
  }
};

}  // namespace

int64_t CtcTargets::longest() const {
  int64_t most = 0;
  for (size_t n = 0; n + 1 < offsets.size(); ++n) most = std::max(most, length(int64_t(n)));
  return most;
}

CtcForward ctc(const Tensor& log_probs, const CtcTargets& targets) {
  const Tensor x = contiguous(log_probs);
  const int64_t time = x.size(0), batch = x.size(1), width = 2 * targets.longest() + 1;
  const CtcForward result{Tensor({batch}, x.dtype()), Tensor({batch, time, width}, DType::f64)};
  double* alpha = result.log_alpha.mutable_data<double>();
  visit_floating("ctc_loss", x.dtype(), [&](auto zero) {
    using T = decltype(zero);
    const T* first = x.data<T>();
    T* losses = result.losses.mutable_data<T>();
    parallel_tasks(batch, [&](int64_t n) {
      losses[n] = T(Sequence<T>(first, x.shape(), targets, n).forward(alpha + n * time * width, width));
    });
  });
  return result;
}

Tensor ctc_backward(const Tensor& grad, const Tensor& log_probs, const CtcTargets& targets, const CtcForward& forward,
                    bool zero_infinity) {
  const Tensor x = contiguous(log_probs), g = contiguous(grad), out = zeros(x.shape(), x.dtype());
  const int64_t time = x.size(0), batch = x.size(1), classes = x.size(2), width = 2 * targets.longest() + 1;
  const double* alpha = forward.log_alpha.data<double>();
  visit_floating("ctc_loss", x.dtype(), [&](auto zero) {
    using T = decltype(zero);
    const T *first = x.data<T>(), *losses = forward.losses.data<T>(), *slopes = g.data<T>();
    T* to = out.mutable_data<T>();
    parallel_tasks(batch, [&](int64_t n) {
      const Sequence<T> sequence(first, x.shape(), targets, n);
      const double* own = alpha + n * time * width;
      T* rows = to + n * classes;
      if (sequence.time == 0) return;
      if (std::isinf(losses[n])) {
        if (zero_infinity) return;
        for (int64_t t = 0; t < sequence.time; ++t)
          std::fill_n(rows + t * sequence.row, classes, std::numeric_limits<T>::quiet_NaN());
        return;
      }
      std::vector<double> beta(size_t(2 * sequence.states));
      // The stored loss may be rounded to f32; the last row of alpha has it in f64.
      const double* end = own + (sequence.time - 1) * width;
      const double loss =
          -log_sum(end[sequence.states - 1], sequence.states > 1 ? end[sequence.states - 2] : impossible, impossible);
      sequence.backward(slopes[n], own, width, loss, beta.data(), rows, classes);
    });
  });
  return out;
}

}  // namespace ditharos::kernels
