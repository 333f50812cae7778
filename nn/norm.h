#pragma once
#include <ditharos/autograd/ops.h>
#include <ditharos/nn/module.h>

namespace ditharos::nn {

/// Layer normalisation over the last axis, with weight [D] (ones) and bias [D] (zeros) when affine.
class LayerNorm : public Module<LayerNorm> {
 public:
  LayerNorm() = default;
  explicit LayerNorm(int64_t width, bool affine = true, double eps = 1e-5) : eps_(eps) {
    if (!affine) return;
    weight = ones({width}).set_requires_grad();
    bias = zeros({width}).set_requires_grad();
  }

  Tensor forward(const Tensor& x) const {
    return layer_norm(x, weight, bias, eps_);
  }
  void visit(Visitor& v) override {
    v("weight", weight);
    v("bias", bias);
  }

  Tensor weight, bias;

 private:
  double eps_ = 1e-5;
};

}  // namespace ditharos::nn
