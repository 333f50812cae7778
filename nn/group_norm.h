#pragma once
#include <initializer_list>

#include <ditharos/autograd/ops.h>
#include <ditharos/autograd/ops/reduced.h>
#include <ditharos/nn/module.h>

namespace ditharos::nn {

/// Normalisation over groups of channels of each image x [B, C, ...], with weight [C] (ones) and bias [C] (zeros).
class GroupNorm : public Module<GroupNorm> {
 public:
  GroupNorm() = default;
  GroupNorm(int64_t groups, int64_t channels, double eps = 1e-5)
      : weight(ones({channels})), bias(zeros({channels})), groups_(groups), eps_(eps) {
    check<ShapeError>(groups >= 1 && channels % groups == 0, "[GroupNorm] ", channels, " channels do not divide into ",
                      groups, " groups");
  }

  Tensor forward(const Tensor& x) const { return group_norm(x, groups_, weight, bias, eps_); }
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

/// x / sqrt(mean(x^2) + eps) * weight over the last axes, those of `normalized_shape`, with a weight of that shape
/// (ones) when affine.
class RMSNorm : public Module<RMSNorm> {
 public:
  RMSNorm() = default;
  explicit RMSNorm(int64_t width, double eps = 1e-6, bool affine = true) : RMSNorm(Shape{width}, eps, affine) {}
  explicit RMSNorm(const Shape& normalized_shape, double eps = 1e-6, bool affine = true)
      : shape_(normalized_shape), eps_(eps) {
    if (affine) weight = Parameter(ones(shape_));
  }
  /// RMSNorm({4, 5}): over the last two axes.
  explicit RMSNorm(std::initializer_list<int64_t> normalized_shape) : RMSNorm(Shape(normalized_shape)) {}

  Tensor forward(const Tensor& x) const {
    return shape_.rank() > 1 ? rms_norm(x, shape_, weight, eps_) : rms_norm(x, weight, eps_);
  }
  void visit(Visitor& v) override { v("weight", weight); }

  Parameter weight;

 private:
  Shape shape_;
  double eps_ = 1e-6;
};

}  // namespace ditharos::nn
