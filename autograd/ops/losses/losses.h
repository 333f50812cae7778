#pragma once
// Losses, with the names, options and defaults of torch.nn.functional. All take f32 and f64, and have derivatives of
// every order unless a comment says otherwise. They refuse shapes that PyTorch would broadcast: prediction and target
// have one shape. The mean of no element is a ShapeError (in PyTorch: NaN).
#include <cstdint>
#include <functional>
#include <vector>

#include <ditharos/tensor/tensor.h>

namespace ditharos {

/// How the losses of all elements or rows become one number. `batchmean`, the sum divided by the size of the first
/// axis, is for kl_div alone.
enum class Reduction { none, mean, sum, batchmean };

/// Options of the losses for classes. The mean is weighted and excludes ignored labels.
struct LabelLossOptions {
  Tensor weight = {};                     ///< [C], a factor for each class; undefined: 1
  int64_t ignore_index = -100;            ///< a label with loss 0 and gradient 0
  double label_smoothing = 0;             ///< in [0, 1]: the share of the target that is spread evenly over all classes
  Reduction reduction = Reduction::mean;  ///< none: the labels' shape
};

// --- prediction and target (../loss.cpp) ---
/// -log softmax(logits)[label] over the classes, axis 1, or axis 0 of logits [C]. The target is labels i64: [N] for
/// logits [N, C], [] for [C], [N, d...] for [N, C, d...]. Or it is probabilities of the logits' shape: then the loss is
/// -sum target log softmax(logits), and its mean is the sum of all losses divided by their number, whatever the
/// weights.
Tensor cross_entropy(const Tensor& logits, const Tensor& target, const LabelLossOptions& options = {});
/// -log_probabilities[label], in the same shapes; no smoothing.
Tensor nll_loss(const Tensor& log_probabilities, const Tensor& labels, const LabelLossOptions& options = {});
/// (p - t)^2. The weights have the shape of p; the mean is the sum divided by that of the weights.
Tensor mse_loss(const Tensor& prediction, const Tensor& target, Reduction reduction = Reduction::mean,
                const Tensor& weight = {});
/// |p - t|; weights as for mse_loss.
Tensor l1_loss(const Tensor& prediction, const Tensor& target, Reduction reduction = Reduction::mean,
               const Tensor& weight = {});
/// e^2/2 for |e| <= delta, else delta (|e| - delta/2) (Huber 1964). The mean of weighted losses is over all elements.
Tensor huber_loss(const Tensor& prediction, const Tensor& target, double delta = 1,
                  Reduction reduction = Reduction::mean, const Tensor& weight = {});
/// Huber's loss divided by beta: |e| - beta/2 far out (Girshick 2015); |e| for beta = 0.
Tensor smooth_l1_loss(const Tensor& prediction, const Tensor& target, double beta = 1,
                      Reduction reduction = Reduction::mean);
/// -(w t log p + (1 - t) log(1 - p)), p = sigmoid(logits); targets in [0, 1], w = pos_weight, broadcast to their shape.
Tensor binary_cross_entropy_with_logits(const Tensor& logits, const Tensor& target, const Tensor& pos_weight = {},
                                        Reduction reduction = Reduction::mean);
/// target (log target - log_prediction), 0 where the target is 0. With `log_target` the target is a logarithm too:
/// e^target (target - log_prediction). The mean is over all elements; batchmean is the divergence of the mean sample.
Tensor kl_div(const Tensor& log_prediction, const Tensor& target, Reduction reduction = Reduction::mean,
              bool log_target = false);

// --- two classes (binary.cpp) ---
struct BinaryLossOptions {
  Tensor weight = {};      ///< a factor for each element, broadcast to the target's shape
  Tensor pos_weight = {};  ///< a factor for the positive class, broadcast to the target's shape
  Reduction reduction = Reduction::mean;
};
/// As above, with weights of elements.
Tensor binary_cross_entropy_with_logits(const Tensor& logits, const Tensor& target, const BinaryLossOptions& options);
/// -(t log p + (1 - t) log(1 - p)), each logarithm at least -100; `weight` as above. The derivative with respect to p
/// is (p - t) / max(p (1 - p), 1e-12). Error for a probability outside of [0, 1].
Tensor binary_cross_entropy(const Tensor& probabilities, const Tensor& target, const Tensor& weight = {},
                            Reduction reduction = Reduction::mean);
/// log(1 + e^(-y x)) for y of 1 and -1.
Tensor soft_margin_loss(const Tensor& x, const Tensor& y, Reduction reduction = Reduction::mean);
/// The mean over the classes, the last axis, of binary_cross_entropy_with_logits(); logits [N, C] or [C], none: [N] or
/// []. `weight` broadcasts to the logits.
Tensor multilabel_soft_margin_loss(const Tensor& logits, const Tensor& target, const Tensor& weight = {},
                                   Reduction reduction = Reduction::mean);

// --- negative logarithms of likelihoods (likelihoods.cpp) ---
struct PoissonNllOptions {
  bool log_input = true;  ///< the prediction is the logarithm of the rate
  bool full = false;      ///< adds Stirling's t log t - t + log(2 pi t) / 2 where t > 1
  double eps = 1e-8;      ///< added to a rate before its logarithm is taken
  Reduction reduction = Reduction::mean;
};
/// Of counts t: e^x - t x for the logarithm x of the rate, or rate - t log(rate + eps).
Tensor poisson_nll_loss(const Tensor& prediction, const Tensor& target, const PoissonNllOptions& options = {});
struct GaussianNllOptions {
  bool full = false;  ///< adds log(2 pi) / 2
  double eps = 1e-6;  ///< the least variance; a smaller one counts as eps and keeps its gradient
  Reduction reduction = Reduction::mean;
};
/// (log v + (x - t)^2 / v) / 2 for the variances v (Nix and Weigend 1994), which have the shape of x, lack its last
/// axis, or have size 1 in one axis. Error for a negative variance.
Tensor gaussian_nll_loss(const Tensor& x, const Tensor& target, const Tensor& variance,
                         const GaussianNllOptions& options = {});
/// With one variance for all.
Tensor gaussian_nll_loss(const Tensor& x, const Tensor& target, double variance,
                         const GaussianNllOptions& options = {});

// --- distances and similarities (embeddings.cpp); targets y are 1 or -1, i64 or of the dtype of x ---
/// x where y = 1, max(0, margin - x) where y = -1.
Tensor hinge_embedding_loss(const Tensor& x, const Tensor& y, double margin = 1, Reduction reduction = Reduction::mean);
/// max(0, -y (a - b) + margin): a is to be larger where y = 1.
Tensor margin_ranking_loss(const Tensor& a, const Tensor& b, const Tensor& y, double margin = 0,
                           Reduction reduction = Reduction::mean);
/// 1 - cos(a, b) where y = 1, max(0, cos(a, b) - margin) where y = -1; a, b [N, D] and y [N], or [D] and [].
Tensor cosine_embedding_loss(const Tensor& a, const Tensor& b, const Tensor& y, double margin = 0,
                             Reduction reduction = Reduction::mean);
/// The p-norm of a - b + eps over the last axis.
Tensor pairwise_distance(const Tensor& a, const Tensor& b, double p = 2, double eps = 1e-6, bool keepdim = false);
struct TripletMarginOptions {
  double margin = 1;  ///< > 0
  double p = 2, eps = 1e-6;
  bool swap = false;  ///< the negative's distance is that to the anchor or to the positive, whichever is smaller
  Reduction reduction = Reduction::mean;
};
/// max(0, d(anchor, positive) - d(anchor, negative) + margin) for pairwise_distance() d (Balntas et al. 2016); [..., D]
/// to [...].
Tensor triplet_margin_loss(const Tensor& anchor, const Tensor& positive, const Tensor& negative,
                           const TripletMarginOptions& options = {});
/// A distance of two batches, one number for each pair.
using DistanceFunction = std::function<Tensor(const Tensor& a, const Tensor& b)>;
/// The same for another distance. p and eps of the options are not read.
Tensor triplet_margin_with_distance_loss(const Tensor& anchor, const Tensor& positive, const Tensor& negative,
                                         const DistanceFunction& distance, const TripletMarginOptions& options = {});

// --- margins between classes (margins.cpp) ---
struct MultiMarginOptions {
  int64_t p = 1;  ///< 1 or 2
  double margin = 1;
  Tensor weight = {};  ///< [C], a factor for each class
  Reduction reduction = Reduction::mean;
};
/// The sum over the other classes j of w[y] max(0, margin - x[y] + x[j])^p, divided by C; x [N, C] and labels [N], or
/// [C] and [].
Tensor multi_margin_loss(const Tensor& x, const Tensor& labels, const MultiMarginOptions& options = {});
/// The sum over the labels y of a row and the classes j that are no labels of max(0, 1 - x[y] + x[j]), divided by C. x
/// and labels (i64) are [N, C] or [C]; the labels of a row end at the first -1. Memory is N C^2.
Tensor multilabel_margin_loss(const Tensor& x, const Tensor& labels, Reduction reduction = Reduction::mean);

// --- sequences without alignment (ctc.cpp) ---
struct CtcOptions {
  int64_t blank = 0;
  Reduction reduction = Reduction::mean;  ///< mean: of the losses divided by the lengths of their targets, at least 1
  bool zero_infinity = false;             ///< a target that does not fit into its input has loss and gradient 0
};
/// Connectionist temporal classification (Graves et al. 2006): minus the logarithm of the probability that a sequence
/// of classes has, summed over all of its alignments with blanks. log_probs [T, N, C] of log_softmax(), or [T, C];
/// targets i64 [N, S], padded, or [sum of the lengths], without blanks. A target that does not fit has an infinite loss
/// and the gradient NaN. As in PyTorch, the gradient is that of the logits behind log_softmax, e^log_probs minus the
/// expected share of each class: log_softmax's own backward pass leaves it as it is. Computed in logarithms and f64.
/// ShapeError for lengths that do not fit, and for labels that are no class or blank.
Tensor ctc_loss(const Tensor& log_probs, const Tensor& targets, const std::vector<int64_t>& input_lengths,
                const std::vector<int64_t>& target_lengths, const CtcOptions& options = {});
/// With lengths i64 [N].
Tensor ctc_loss(const Tensor& log_probs, const Tensor& targets, const Tensor& input_lengths,
                const Tensor& target_lengths, const CtcOptions& options = {});

}  // namespace ditharos
