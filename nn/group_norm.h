#pragma once
#include <ditharos/autograd/ops.h>
#include <ditharos/autograd/ops/reduced.h>
#include <ditharos/nn/module.h>

namespace ditharos::nn {

/// Normalisation over groups of channels of each image x [B, C, ...], with weight [C] (ones) and bias [C] (zeros).
class GroupNorm : public Module<GroupNorm> {
 public:
  GroupNorm() = default;
  GroupNorm(int64_t groups, int64_t channels, double eps = 1e-5)
      : weight(ones({channels})), bias(zeros({channels})), groups_(groups),
        eps_(eps) {
    check<ShapeError>(groups >= 1 && channels % groups == 0, "[GroupNorm] ", channels,
                      " channels do not divide into ", groups, " groups");
  }

  Tensor forward(const Tensor& x) const {
    return group_norm(x, groups_, weight, bias, eps_);
  }
  /// silu(forward(x)) in one pass.
  Tensor with_silu(const Tensor& x) const {
    return call([&] { return group_norm_silu(x, groups_, weight, bias, eps_); });
  }
  /// The same for a result that products alone read, such as convolutions: bf16 in an Autocast scope
  /// (autograd/ops/reduced.h), unless hooks want to see it.
  Tensor with_silu_reduced(const Tensor& x) const {
    if (has_hooks(*this)) return with_silu(x);
    return call([&] { return reduced::group_norm_silu(x, groups_, weight, bias, eps_); });
  }
  void visit(Visitor& v) override {
    v("weight", weight);
    v("bias", bias);
  }

  Parameter weight, bias;

 private:
  int64_t groups_ = 1;
  double eps_ = 1e-5;
};

/// Normalisation of each channel over the batch x [B, C, H, W]. In training it uses the statistics of the batch and
/// updates the running statistics; in evaluation it uses the running ones.
class BatchNorm2d : public Module<BatchNorm2d> {
 public:
  BatchNorm2d() = default;
  explicit BatchNorm2d(int64_t channels, double eps = 1e-5, double momentum = 0.1)
      : weight(ones({channels})), bias(zeros({channels})),
        running_mean(zeros({channels})), running_var(ones({channels})), num_batches_tracked(zeros({}, DType::i64)),
        eps_(eps), momentum_(momentum) {}

  Tensor forward(const Tensor& x) const {
    check_has_weight("batch_norm", "nn::BatchNorm2d", weight);
    check<ShapeError>(x.rank() == 4, "[BatchNorm2d] needs x [B, C, H, W], got ", x.shape());
    const Tensor y = batch_norm(x, running_mean, running_var, weight, bias, is_training(), momentum_, eps_);
    if (is_training()) ++*num_batches_tracked.mutable_data<int64_t>();
    return y;
  }
  void visit(Visitor& v) override {
    v("weight", weight);
    v("bias", bias);
    v.buffer("running_mean", running_mean);
    v.buffer("running_var", running_var);
    v.buffer("num_batches_tracked", num_batches_tracked);
  }

  Parameter weight, bias;
  Buffer running_mean, running_var, num_batches_tracked;

 private:
  double eps_ = 1e-5, momentum_ = 0.1;
};

/// x / sqrt(mean(x^2) + eps) * weight over the last axis, weight [D] (ones).
class RMSNorm : public Module<RMSNorm> {
 public:
  RMSNorm() = default;
  explicit RMSNorm(int64_t width, double eps = 1e-6) : weight(ones({width})), eps_(eps) {}

  Tensor forward(const Tensor& x) const {
    return rms_norm(x, weight, eps_);
  }
  void visit(Visitor& v) override { v("weight", weight); }

  Parameter weight;

 private:
  double eps_ = 1e-6;
};

}  // namespace ditharos::nn
