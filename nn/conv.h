#pragma once
#include <ditharos/autograd/ops.h>
#include <ditharos/nn/init.h>
#include <ditharos/nn/module.h>

namespace ditharos::nn {

/// Convolution with a square kernel; x [B, in, H, W] -> [B, out, H', W'] with H' = (H + 2 padding - kernel) / stride
/// + 1. weight [out, in, kernel, kernel] starts as N(0, 2 / fan_in), for a rectifier behind it, bias [out] as zero.
class Conv2d : public Module {
 public:
  Conv2d() = default;
  Conv2d(int64_t in, int64_t out, int64_t kernel, int64_t stride, int64_t padding, Generator& rng)
      : weight(parameter(init::kaiming_normal({out, in, kernel, kernel}, rng))), bias(parameter(zeros({out}))),
        stride_(stride), padding_(padding) {}

  Tensor operator()(const Tensor& x) const { return conv2d(x, weight, bias, stride_, padding_); }
  void visit(Visitor& v) override {
    v("weight", weight);
    v("bias", bias);
  }

  Tensor weight, bias;

 private:
  int64_t stride_ = 1, padding_ = 0;
};

}  // namespace ditharos::nn
