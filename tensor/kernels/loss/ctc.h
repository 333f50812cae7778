#pragma once
// Connectionist temporal classification: the forward-backward algorithm over the alignments of each sequence.
#include <cstdint>
#include <vector>

#include <ditharos/tensor/tensor.h>

namespace ditharos::kernels {

/// The targets of a batch of N sequences, one after the other.
struct CtcTargets {
  std::vector<int64_t> labels;         ///< of all targets; none is the blank
  std::vector<int64_t> offsets;        ///< [N + 1]: where each target begins, and the end
  std::vector<int64_t> input_lengths;  ///< [N], at most T
  int64_t blank = 0;

  int64_t length(int64_t n) const { return offsets[size_t(n) + 1] - offsets[size_t(n)]; }
  int64_t longest() const;
};

struct [[nodiscard]] CtcForward {
  Tensor losses;     ///< [N]; infinite where a target does not fit into its input
  Tensor log_alpha;  ///< f64 [N, T, 2 S + 1]: logarithms of the probabilities of all prefixes that end in a state
};
/// log_probs [T, N, C]. State 2 i + 1 of a sequence is its label i, and the even ones are blanks.
CtcForward ctc(const Tensor& log_probs, const CtcTargets& targets);
/// g (e^log_probs - the expected share of each class), [T, N, C]; grad [N]. 0 behind the end of an input. Where the
/// loss is infinite: NaN, or 0 with `zero_infinity`.
Tensor ctc_backward(const Tensor& grad, const Tensor& log_probs, const CtcTargets& targets, const CtcForward& forward,
                    bool zero_infinity);

}  // namespace ditharos::kernels
