#pragma once
#include <ditharos/nn/linear.h>

namespace ditharos::nn {

/// Point-wise feed-forward network: Linear, tanh-GELU, Linear; x [..., D] -> [..., D].
class Mlp : public Module<Mlp> {
 public:
  Mlp() = default;
  Mlp(int64_t width, int64_t hidden, Generator& rng) : fc1_(width, hidden, rng), fc2_(hidden, width, rng) {}

  Tensor forward(const Tensor& x) const {
    // In one pass, unless the layers have hooks, which need their outputs.
    if (has_hooks(fc1_) || has_hooks(fc2_)) return fc2_(gelu_tanh(fc1_(x)));
    if (const Tensor y = packed_mlp(fc1_, fc2_, x); y.defined()) return y;
    return 
        fc2_(fc1_.is_quantized() ? gelu_tanh(fc1_(x)) : linear_gelu_tanh(x, fc1_.weight, fc1_.bias));
  }
  void visit(Visitor& v) override {
    v("fc1", fc1_);
    v("fc2", fc2_);
  }

 private:
  Linear fc1_, fc2_;
};

}  // namespace ditharos::nn
