#pragma once
#include <ditharos/autograd/ops.h>
#include <ditharos/nn/inference.h>
#include <ditharos/nn/init.h>
#include <ditharos/nn/module.h>

namespace ditharos::nn {

/// y = x W^T + b; x [..., in], y [..., out]. weight [out, in] is Xavier-uniform, bias [out] zero.
class Linear : public Module<Linear> {
 public:
  Linear() = default;
  Linear(int64_t in, int64_t out, Generator& rng, bool with_bias = true)
      : weight(init::xavier_uniform({out, in}, rng)), bias(with_bias ? Parameter(zeros({out})) : Parameter()) {}

  /// Draws from default_generator().
  Linear(int64_t in, int64_t out, bool with_bias = true) : Linear(in, out, default_generator(), with_bias) {}

  Tensor forward(const Tensor& x) const;
  /// The same for a result that products alone read: bf16 in an Autocast scope (autograd/ops/reduced.h), unless hooks
  /// want to see it.
  Tensor reduced(const Tensor& x) const;
  void visit(Visitor& v) override {
    v("weight", weight);
    v("bias", bias);
  }

  /// Excludes this layer from nn::quantize, because the result of the model depends on its precision.
  void keep_f32() { keep_f32_ = true; }
  /// Quantises this layer, or returns it to f32. quantize() returns false and does nothing for a layer that stays in
  /// f32.
  bool quantize();
  void dequantize();
  bool is_quantized() const { return quantized_; }

  /// The packed weights of the fast path: f32 under InferenceMode, int8 for a quantised layer. Null where the ordinary
  /// path runs. Error for a layer without weight; AutogradError when a quantised layer would be differentiated.
  std::shared_ptr<const kernels::PackedLinear> packed(const Tensor& x) const;

  Parameter weight, bias;

 private:
  bool keep_f32_ = false, quantized_ = false;
  PackedSlot packed_;
};

/// fc2(gelu_tanh(fc1(x))) in one pass when both layers have packed weights of one precision, else undefined.
Tensor packed_mlp(const Linear& fc1, const Linear& fc2, const Tensor& x);

}  // namespace ditharos::nn
