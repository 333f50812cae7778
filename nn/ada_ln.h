#pragma once
#include <ditharos/nn/linear.h>

namespace ditharos::nn {

/// The regression of adaptive layer norm: SiLU, then a linear map of the condition to `chunks` vectors of the model's
/// width (Peebles and Xie 2023). Weight and bias start at zero (adaLN-Zero), so every block starts as the identity; or
/// the weight starts as that of another linear map.
class AdaLN : public Module<AdaLN> {
 public:
  AdaLN() = default;
  AdaLN(int64_t width, int64_t chunks, Generator& rng, bool zero = true)
      : chunks_(chunks), linear_(width, chunks * width, rng) {
    if (zero) linear_.weight = Parameter(init::zeros({chunks * width, width}));
    linear_.keep_f32();
  }

  /// `silu_condition` is silu(condition), [B, D], which all blocks share. Returns `chunks` tensors [B, D], views of one
  /// product.
  std::vector<Tensor> forward(const Tensor& silu_condition) const {
    return chunk(run_hooks(linear_(silu_condition)), chunks_, -1);
  }
  /// Key "1": in PyTorch's Sequential the SiLU is element 0.
  void visit(Visitor& v) override { v("1", linear_); }

 private:
  int64_t chunks_ = 0;
  Linear linear_;
};

}  // namespace ditharos::nn
