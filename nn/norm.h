#pragma once
#include <ditharos/autograd/ops.h>
#include <ditharos/nn/module.h>

namespace ditharos::nn {

/// Layer normalisation over the last axis, with weight [D] (ones) and bias [D] (zeros) when affine.
class LayerNorm : public Module<LayerNorm> {
 public:
  LayerNorm() = default;
  explicit LayerNorm(int64_t width, bool affine = true, double eps = 1e-5) : LayerNorm(width, eps, affine) {}
  /// The arguments in PyTorch's order.
  LayerNorm(int64_t width, double eps, bool affine = true, bool with_bias = true) : eps_(eps) {
    if (affine) weight = Parameter(ones({width}));
    if (affine && with_bias) bias = Parameter(zeros({width}));
  }

  Tensor forward(const Tensor& x) const { return layer_norm(x, weight, bias, eps_); }
  void visit(Visitor& v) override {
    v("weight", weight);
    v("bias", bias);
  }

  Parameter weight, bias;

 private:
  double eps_ = 1e-5;
};

}  // namespace ditharos::nn
