#pragma once
// Initial values of parameters.
#include <ditharos/tensor/random.h>
#include <ditharos/tensor/tensor.h>

namespace ditharos::nn {

/// In this scope, the functions of nn::init on this thread draw nothing: they return tensors whose elements are
/// undefined (as torch.nn.utils.skip_init). For models whose values are all loaded right after: drawing those of a
/// large model takes longer than reading them, and pages of memory that nobody writes cost nothing.
class SkipInit {
 public:
  SkipInit();
  ~SkipInit();
  SkipInit(const SkipInit&) = delete;
  SkipInit& operator=(const SkipInit&) = delete;

 private:
  bool before_;
};

namespace init {

/// Uniform in +-sqrt(6 / (fan_in + fan_out)) for a weight [out, in...] viewed as [out, -1] (Glorot and Bengio 2010).
Tensor xavier_uniform(const Shape& shape, Generator& rng);
/// Normal with variance 2 / fan_in, for layers that a ReLU follows (He et al. 2015).
Tensor kaiming_normal(const Shape& shape, Generator& rng);
/// Uniform in +-1 / sqrt(fan_in), with the fan_in of the shape `weight`, [out, in...]: the initial values of a weight
/// and of its bias in PyTorch's linear layers and convolutions (kaiming_uniform with a = sqrt(5)).
Tensor fan_in_uniform(const Shape& shape, const Shape& weight, Generator& rng);
/// Normal with mean 0.
Tensor normal(const Shape& shape, double standard_deviation, Generator& rng);
/// Zeros, for large weights that start there.
Tensor zeros(const Shape& shape);
}  // namespace init

}  // namespace ditharos::nn
