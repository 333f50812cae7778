#pragma once
#include <optional>

#include <ditharos/autograd/ops.h>
#include <ditharos/nn/module.h>

namespace ditharos::nn {

/// The common base of BatchNorm and InstanceNorm: a factor and an offset for each channel, and running statistics.
template <class Self>
class ChannelNorm : public Module<Self> {
 public:
  void visit(Visitor& v) override {
    v("weight", weight);
    v("bias", bias);
    v.buffer("running_mean", running_mean);
    v.buffer("running_var", running_var);
    v.buffer("num_batches_tracked", num_batches_tracked);
  }

  Parameter weight, bias;                                 // [C]: ones and zeros; undefined unless affine
  Buffer running_mean, running_var, num_batches_tracked;  // [C], [C], []; undefined unless they are tracked

 protected:
  ChannelNorm() = default;
  ChannelNorm(int64_t num_features, double eps, std::optional<double> momentum, bool affine, bool track_running_stats)
      : features_(num_features), eps_(eps), momentum_(momentum) {
    check<ConfigError>(num_features >= 1, "[", Self::type, "] needs at least one channel, got ", num_features);
    if (affine) weight = Parameter(ones({num_features})), bias = Parameter(zeros({num_features}));
    if (!track_running_stats) return;
    running_mean = Buffer(zeros({num_features}));
    running_var = Buffer(ones({num_features}));
    num_batches_tracked = Buffer(zeros({}, DType::i64));
  }

  /// Error for a module of the default constructor; ShapeError unless x [B, C, ...] has the channels and one of the
  /// ranks, for which `shapes` is the text.
  void check_input(const char* op, const Tensor& x, int least, int most, const char* shapes) const {
    check(features_ > 0, "[", op, "] the nn::", Self::type,
          " has no weight: it was made by the default constructor; construct it with its sizes");
    check<ShapeError>(x.rank() >= least && x.rank() <= most, "[", Self::type, "] needs x ", shapes, ", got ",
                      x.shape());
    check<ShapeError>(x.size(1) == features_, "[", Self::type, "] x of shape ", x.shape(), " has ", x.size(1),
                      " channels, where the module has ", features_);
  }
  bool tracks() const { return running_mean.defined(); }
  int64_t features() const { return features_; }
  double eps() const { return eps_; }
  const std::optional<double>& momentum() const { return momentum_; }

 private:
  int64_t features_ = 0;
  double eps_ = 1e-5;
  std::optional<double> momentum_ = .1;
};

}  // namespace ditharos::nn
