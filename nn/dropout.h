#pragma once
#include <ditharos/autograd/ops.h>
#include <ditharos/nn/module.h>
#include <ditharos/tensor/draws/default_generator.h>

namespace ditharos {

/// dropout with draws from default_generator(), as torch.nn.functional.dropout. Returns x where `training` is false.
inline Tensor dropout(const Tensor& x, double p = .5, bool training = true) {
  return training ? dropout(x, p, default_generator()) : x;
}

namespace nn {

/// In training, zeroes each element with probability p and scales the others by 1/(1-p) (Srivastava et al. 2014). In
/// evaluation, returns x.
class Dropout : public Module<Dropout> {
 public:
  explicit Dropout(double p = .5) : p_(p) {
    check<ConfigError>(p >= 0 && p < 1, "the dropout probability must be in [0, 1), got ", p);
  }

  /// Draws from default_generator().
  Tensor forward(const Tensor& x) const { return forward(x, default_generator()); }
  Tensor forward(const Tensor& x, Generator& rng) const {
    if (!is_training() || p_ == 0) return x;
    return dropout(x, p_, rng);
  }
  void visit(Visitor&) override {}

 private:
  double p_;
};

/// The same for whole channels of x [B, C, spatial axes...] (Tompson et al. 2015).
template <int spatial_axes>
class ChannelDropout : public Module<ChannelDropout<spatial_axes>> {
 public:
  explicit ChannelDropout(double p = .5) : p_(p) {
    check<ConfigError>(p >= 0 && p < 1, "the dropout probability must be in [0, 1), got ", p);
  }

  Tensor forward(const Tensor& x) const { return forward(x, default_generator()); }
  Tensor forward(const Tensor& x, Generator& rng) const {
    check<ShapeError>(x.rank() == 2 + spatial_axes, "[Dropout", spatial_axes, "d] needs x [B, C] with ", spatial_axes,
                      " more axes, got ", x.shape());
    if (!this->is_training() || p_ == 0) return x;
    const Shape channels{x.size(0), x.size(1)};
    Shape factors = Shape::filled(x.rank(), 1);
    factors[0] = channels[0], factors[1] = channels[1];
    const Tensor kept = reshape(rng.bernoulli(1 - p_, channels, DType::boolean), factors);
    return where(kept, x * (1 / (1 - p_)), scalar(0, x.dtype()));  // as dropout()
  }
  void visit(Visitor&) override {}

 private:
  double p_;
};
using Dropout1d = ChannelDropout<1>;  ///< x [B, C, L]
using Dropout2d = ChannelDropout<2>;  ///< x [B, C, H, W]
using Dropout3d = ChannelDropout<3>;  ///< x [B, C, D, H, W]

}  // namespace nn
}  // namespace ditharos
