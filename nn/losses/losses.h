#pragma once
// Losses as modules, with PyTorch's names and defaults: loss(prediction, target). Their options are those of the
// functions of autograd/ops/losses/losses.h, which have the formulas, shapes and errors. Weights of classes and
// elements are buffers under PyTorch's names: they are stored, and converted by nn::to().
#include <utility>
#include <vector>

#include <ditharos/autograd/ops.h>
#include <ditharos/nn/module.h>

namespace ditharos::nn {

/// The common base of losses with one number as their option besides the reduction.
template <class Self>
class NumberLoss : public Module<Self> {
 public:
  void visit(Visitor&) override {}

 protected:
  NumberLoss(double number, Reduction reduction) : number_(number), reduction_(reduction) {}
  double number_;
  Reduction reduction_;
};

/// The common base of losses whose only option is the reduction.
template <class Self>
class PlainLoss : public Module<Self> {
 public:
  explicit PlainLoss(Reduction reduction = Reduction::mean) : reduction_(reduction) {}
  void visit(Visitor&) override {}

 protected:
  Reduction reduction_;
};

/// The common base of losses with a tensor of weights, "weight" in the state dict if it is there.
template <class Self>
class WeightedLoss : public Module<Self> {
 public:
  void visit(Visitor& v) override {
    if (weight.defined()) v.buffer("weight", weight);
  }

  Buffer weight;

 protected:
  explicit WeightedLoss(const Tensor& weight_) {
    if (weight_.defined()) weight = Buffer(weight_);
  }
};

// --- errors and divergences ---

class MSELoss : public PlainLoss<MSELoss> {
 public:
  using PlainLoss::PlainLoss;
  Tensor forward(const Tensor& x, const Tensor& target) const { return mse_loss(x, target, reduction_); }
};

class L1Loss : public PlainLoss<L1Loss> {
 public:
  using PlainLoss::PlainLoss;
  Tensor forward(const Tensor& x, const Tensor& target) const { return l1_loss(x, target, reduction_); }
};

class SmoothL1Loss : public NumberLoss<SmoothL1Loss> {
 public:
  explicit SmoothL1Loss(double beta = 1, Reduction reduction = Reduction::mean) : NumberLoss(beta, reduction) {}
  Tensor forward(const Tensor& x, const Tensor& target) const { return smooth_l1_loss(x, target, number_, reduction_); }
};

class HuberLoss : public NumberLoss<HuberLoss> {
 public:
  explicit HuberLoss(double delta = 1, Reduction reduction = Reduction::mean) : NumberLoss(delta, reduction) {}
  Tensor forward(const Tensor& x, const Tensor& target) const { return huber_loss(x, target, number_, reduction_); }
};

class KLDivLoss : public Module<KLDivLoss> {
 public:
  explicit KLDivLoss(Reduction reduction = Reduction::mean, bool log_target = false)
      : reduction_(reduction), log_target_(log_target) {}
  Tensor forward(const Tensor& log_x, const Tensor& target) const {
    return kl_div(log_x, target, reduction_, log_target_);
  }
  void visit(Visitor&) override {}

 private:
  Reduction reduction_;
  bool log_target_;
};

class PoissonNLLLoss : public Module<PoissonNLLLoss> {
 public:
  explicit PoissonNLLLoss(const PoissonNllOptions& options = {}) : options_(options) {}
  Tensor forward(const Tensor& x, const Tensor& target) const { return poisson_nll_loss(x, target, options_); }
  void visit(Visitor&) override {}

 private:
  PoissonNllOptions options_;
};

class GaussianNLLLoss : public Module<GaussianNLLLoss> {
 public:
  explicit GaussianNLLLoss(const GaussianNllOptions& options = {}) : options_(options) {}
  Tensor forward(const Tensor& x, const Tensor& target, const Tensor& variance) const {
    return gaussian_nll_loss(x, target, variance, options_);
  }
  Tensor forward(const Tensor& x, const Tensor& target, double variance) const {
    return gaussian_nll_loss(x, target, variance, options_);
  }
  void visit(Visitor&) override {}

 private:
  GaussianNllOptions options_;
};

// --- classes ---

class CrossEntropyLoss : public WeightedLoss<CrossEntropyLoss> {
 public:
  explicit CrossEntropyLoss(LabelLossOptions options = {})
      : WeightedLoss(options.weight), options_(std::move(options)) {}
  Tensor forward(const Tensor& logits, const Tensor& target) const {
    LabelLossOptions options = options_;
    options.weight = weight;
    return cross_entropy(logits, target, options);
  }

 private:
  LabelLossOptions options_;
};

class NLLLoss : public WeightedLoss<NLLLoss> {
 public:
  explicit NLLLoss(LabelLossOptions options = {}) : WeightedLoss(options.weight), options_(std::move(options)) {}
  Tensor forward(const Tensor& log_probabilities, const Tensor& labels) const {
    LabelLossOptions options = options_;
    options.weight = weight;
    return nll_loss(log_probabilities, labels, options);
  }

 private:
  LabelLossOptions options_;
};

class BCELoss : public WeightedLoss<BCELoss> {
 public:
  explicit BCELoss(const Tensor& weight_ = {}, Reduction reduction = Reduction::mean)
      : WeightedLoss(weight_), reduction_(reduction) {}
  Tensor forward(const Tensor& probabilities, const Tensor& target) const {
    return binary_cross_entropy(probabilities, target, weight, reduction_);
  }

 private:
  Reduction reduction_;
};

class BCEWithLogitsLoss : public WeightedLoss<BCEWithLogitsLoss> {
 public:
  explicit BCEWithLogitsLoss(const BinaryLossOptions& options = {})
      : WeightedLoss(options.weight), reduction_(options.reduction) {
    if (options.pos_weight.defined()) pos_weight = Buffer(options.pos_weight);
  }
  Tensor forward(const Tensor& logits, const Tensor& target) const {
    return binary_cross_entropy_with_logits(logits, target,
                                            {.weight = weight, .pos_weight = pos_weight, .reduction = reduction_});
  }
  void visit(Visitor& v) override {
    WeightedLoss::visit(v);
    if (pos_weight.defined()) v.buffer("pos_weight", pos_weight);
  }

  Buffer pos_weight;

 private:
  Reduction reduction_;
};

class MultiLabelSoftMarginLoss : public WeightedLoss<MultiLabelSoftMarginLoss> {
 public:
  explicit MultiLabelSoftMarginLoss(const Tensor& weight_ = {}, Reduction reduction = Reduction::mean)
      : WeightedLoss(weight_), reduction_(reduction) {}
  Tensor forward(const Tensor& logits, const Tensor& target) const {
    return multilabel_soft_margin_loss(logits, target, weight, reduction_);
  }

 private:
  Reduction reduction_;
};

class MultiMarginLoss : public WeightedLoss<MultiMarginLoss> {
 public:
  explicit MultiMarginLoss(MultiMarginOptions options = {})
      : WeightedLoss(options.weight), options_(std::move(options)) {}
  Tensor forward(const Tensor& x, const Tensor& labels) const {
    MultiMarginOptions options = options_;
    options.weight = weight;
    return multi_margin_loss(x, labels, options);
  }

 private:
  MultiMarginOptions options_;
};

class MultiLabelMarginLoss : public PlainLoss<MultiLabelMarginLoss> {
 public:
  using PlainLoss::PlainLoss;
  Tensor forward(const Tensor& x, const Tensor& labels) const { return multilabel_margin_loss(x, labels, reduction_); }
};

class SoftMarginLoss : public PlainLoss<SoftMarginLoss> {
 public:
  using PlainLoss::PlainLoss;
  Tensor forward(const Tensor& x, const Tensor& y) const { return soft_margin_loss(x, y, reduction_); }
};

// --- distances and similarities ---

class HingeEmbeddingLoss : public NumberLoss<HingeEmbeddingLoss> {
 public:
  explicit HingeEmbeddingLoss(double margin = 1, Reduction reduction = Reduction::mean)
      : NumberLoss(margin, reduction) {}
  Tensor forward(const Tensor& x, const Tensor& y) const { return hinge_embedding_loss(x, y, number_, reduction_); }
};

class MarginRankingLoss : public NumberLoss<MarginRankingLoss> {
 public:
  explicit MarginRankingLoss(double margin = 0, Reduction reduction = Reduction::mean)
      : NumberLoss(margin, reduction) {}
  Tensor forward(const Tensor& a, const Tensor& b, const Tensor& y) const {
    return margin_ranking_loss(a, b, y, number_, reduction_);
  }
};

class CosineEmbeddingLoss : public NumberLoss<CosineEmbeddingLoss> {
 public:
  explicit CosineEmbeddingLoss(double margin = 0, Reduction reduction = Reduction::mean)
      : NumberLoss(margin, reduction) {}
  Tensor forward(const Tensor& a, const Tensor& b, const Tensor& y) const {
    return cosine_embedding_loss(a, b, y, number_, reduction_);
  }
};

class TripletMarginLoss : public Module<TripletMarginLoss> {
 public:
  explicit TripletMarginLoss(const TripletMarginOptions& options = {}) : options_(options) {}
  Tensor forward(const Tensor& anchor, const Tensor& positive, const Tensor& negative) const {
    return triplet_margin_loss(anchor, positive, negative, options_);
  }
  void visit(Visitor&) override {}

 private:
  TripletMarginOptions options_;
};

class TripletMarginWithDistanceLoss : public Module<TripletMarginWithDistanceLoss> {
 public:
  explicit TripletMarginWithDistanceLoss(DistanceFunction distance, const TripletMarginOptions& options = {})
      : distance_(std::move(distance)), options_(options) {}
  Tensor forward(const Tensor& anchor, const Tensor& positive, const Tensor& negative) const {
    return triplet_margin_with_distance_loss(anchor, positive, negative, distance_, options_);
  }
  void visit(Visitor&) override {}

 private:
  DistanceFunction distance_;
  TripletMarginOptions options_;
};

class PairwiseDistance : public Module<PairwiseDistance> {
 public:
  explicit PairwiseDistance(double p = 2, double eps = 1e-6, bool keepdim = false)
      : p_(p), eps_(eps), keepdim_(keepdim) {}
  Tensor forward(const Tensor& a, const Tensor& b) const { return pairwise_distance(a, b, p_, eps_, keepdim_); }
  void visit(Visitor&) override {}

 private:
  double p_, eps_;
  bool keepdim_;
};

class CosineSimilarity : public Module<CosineSimilarity> {
 public:
  explicit CosineSimilarity(int axis = 1, double eps = 1e-8) : axis_(axis), eps_(eps) {}
  Tensor forward(const Tensor& a, const Tensor& b) const { return cosine_similarity(a, b, axis_, eps_); }
  void visit(Visitor&) override {}

 private:
  int axis_;
  double eps_;
};

// --- sequences ---

class CTCLoss : public Module<CTCLoss> {
 public:
  explicit CTCLoss(const CtcOptions& options = {}) : options_(options) {}
  Tensor forward(const Tensor& log_probs, const Tensor& targets, const Tensor& input_lengths,
                 const Tensor& target_lengths) const {
    return ctc_loss(log_probs, targets, input_lengths, target_lengths, options_);
  }
  Tensor forward(const Tensor& log_probs, const Tensor& targets, const std::vector<int64_t>& input_lengths,
                 const std::vector<int64_t>& target_lengths) const {
    return ctc_loss(log_probs, targets, input_lengths, target_lengths, options_);
  }
  void visit(Visitor&) override {}

 private:
  CtcOptions options_;
};

}  // namespace ditharos::nn
