#pragma once
#include <ditharos/autograd/ops/reduced.h>
#include <ditharos/nn/linear.h>

namespace ditharos::nn {

/// Point-wise feed-forward network: Linear, tanh-GELU, Linear; x [..., D] -> [..., D], or to another width.
class Mlp : public Module<Mlp> {
 public:
  Mlp() = default;
  Mlp(int64_t width, int64_t hidden, Generator& rng) : Mlp(width, hidden, width, rng) {}
  Mlp(int64_t in, int64_t hidden, int64_t out, Generator& rng) : fc1_(in, hidden, rng), fc2_(hidden, out, rng) {}

  Tensor forward(const Tensor& x) const {
    // In one pass, unless the layers have hooks, which need their outputs.
    if (has_hooks(fc1_) || has_hooks(fc2_)) return fc2_(gelu_tanh(fc1_(x)));
    if (const Tensor y = packed_mlp(fc1_, fc2_, x); y.defined()) return y;
    return fc2_(activations(x));
  }
  /// The same for a branch that gated_residual or another product reads: bf16 in an Autocast scope
  /// (autograd/ops/reduced.h), unless hooks want to see it.
  Tensor reduced(const Tensor& x) const {
    if (has_hooks(*this) || has_hooks(fc1_) || has_hooks(fc2_)) return (*this)(x);
    return call([&] {
      const Tensor y = packed_mlp(fc1_, fc2_, x);
      return y.defined() ? y : fc2_.reduced(activations(x));
    });
  }
  void visit(Visitor& v) override {
    v("fc1", fc1_);
    v("fc2", fc2_);
  }

 private:
  Tensor activations(const Tensor& x) const {
    return fc1_.is_quantized() ? gelu_tanh(fc1_(x)) : ditharos::reduced::linear_gelu_tanh(x, fc1_.weight, fc1_.bias);
  }

  Linear fc1_, fc2_;
};

/// Gated feed-forward network (Shazeer 2020): silu(a) b with a, b = w12(x), then w3; x [..., D] -> [..., D].
class SwiGlu : public Module<SwiGlu> {
 public:
  SwiGlu() = default;
  SwiGlu(int64_t width, int64_t hidden, Generator& rng) : w12_(width, 2 * hidden, rng), w3_(hidden, width, rng) {}

  Tensor forward(const Tensor& x) const { return w3_(gated(x)); }
  /// As Mlp::reduced.
  Tensor reduced(const Tensor& x) const {
    if (has_hooks(*this)) return (*this)(x);
    return call([&] { return w3_.reduced(gated(x)); });
  }
  void visit(Visitor& v) override {
    v("w12", w12_);
    v("w3", w3_);
  }

 private:
  Tensor gated(const Tensor& x) const {
    const std::vector<Tensor> parts = chunk(w12_(x), 2, -1);
    return silu(parts[0]) * parts[1];
  }

  Linear w12_, w3_;
};

}  // namespace ditharos::nn
