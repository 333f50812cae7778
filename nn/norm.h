#pragma once
#include <initializer_list>

#include <ditharos/autograd/ops.h>
#include <ditharos/nn/module.h>

namespace ditharos::nn {

/// Layer normalisation over the last axes, those of `normalized_shape`, with weight (ones) and bias (zeros) of that
/// shape when affine.
class LayerNorm : public Module<LayerNorm> {
 public:
  LayerNorm() = default;
  explicit LayerNorm(int64_t width, bool affine = true, double eps = 1e-5) : LayerNorm(Shape{width}, eps, affine) {}
  /// The arguments in PyTorch's order.
  LayerNorm(int64_t width, double eps, bool affine = true, bool with_bias = true)
      : LayerNorm(Shape{width}, eps, affine, with_bias) {}
  explicit LayerNorm(const Shape& normalized_shape, double eps = 1e-5, bool affine = true, bool with_bias = true)
      : shape_(normalized_shape), eps_(eps) {
    if (affine) weight = Parameter(ones(shape_));
    if (affine && with_bias) bias = Parameter(zeros(shape_));
  }
  /// LayerNorm({4, 5}): over the last two axes.
  explicit LayerNorm(std::initializer_list<int64_t> normalized_shape) : LayerNorm(Shape(normalized_shape)) {}

  Tensor forward(const Tensor& x) const {
    return shape_.rank() > 1 ? layer_norm(x, shape_, weight, bias, eps_) : layer_norm(x, weight, bias, eps_);
  }
  void visit(Visitor& v) override {
    v("weight", weight);
    v("bias", bias);
  }

  Parameter weight, bias;

 private:
  Shape shape_;
  double eps_ = 1e-5;
};

}  // namespace ditharos::nn
