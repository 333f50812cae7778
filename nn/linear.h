#pragma once
#include <ditharos/autograd/ops.h>
#include <ditharos/nn/init.h>
#include <ditharos/nn/module.h>

namespace ditharos::nn {

/// y = x W^T + b; x [..., in], y [..., out]. weight [out, in] is Xavier-uniform, bias [out] zero.
class Linear : public Module {
 public:
  Linear() = default;
  Linear(int64_t in, int64_t out, Generator& rng, bool with_bias = true)
      : weight(parameter(init::xavier_uniform({out, in}, rng))), bias(with_bias ? parameter(zeros({out})) : Tensor{}) {}

  Tensor operator()(const Tensor& x) const { return linear(x, weight, bias); }
  void visit(Visitor& v) override {
    v("weight", weight);
    v("bias", bias);
  }

  Tensor weight, bias;
};

}  // namespace ditharos::nn
