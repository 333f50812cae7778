#pragma once
#include <ditharos/autograd/ops/normalization/instance_norm.h>
#include <ditharos/nn/normalization/channel_norm.h>

namespace ditharos::nn {

/// Normalisation of each channel of each sample (Ulyanov et al. 2016). By default without a factor and an offset, and
/// without running statistics. With the latter, evaluation uses them, as in BatchNorm.
template <class Self>
class InstanceNorm : public ChannelNorm<Self> {
 public:
  InstanceNorm() = default;
  explicit InstanceNorm(int64_t num_features, double eps = 1e-5, double momentum = .1, bool affine = false,
                        bool track_running_stats = false)
      : ChannelNorm<Self>(num_features, eps, momentum, affine, track_running_stats) {}

 protected:
  /// `batched`: with a batch axis, which x may lack.
  Tensor normalized(const Tensor& x, int batched, const char* shapes) const {
    if (x.rank() == batched - 1) return squeeze(normalized(unsqueeze(x, 0), batched, shapes), 0);
    this->check_input("instance_norm", x, batched, batched, shapes);
    return instance_norm(x, this->running_mean, this->running_var, this->weight, this->bias,
                         this->is_training() || !this->tracks(), *this->momentum(), this->eps());
  }
};

/// x [B, C, L] or [C, L].
class InstanceNorm1d : public InstanceNorm<InstanceNorm1d> {
 public:
  static constexpr const char* type = "InstanceNorm1d";
  using InstanceNorm::InstanceNorm;
  Tensor forward(const Tensor& x) const { return normalized(x, 3, "[B, C, L] or [C, L]"); }
};

/// x [B, C, H, W] or [C, H, W].
class InstanceNorm2d : public InstanceNorm<InstanceNorm2d> {
 public:
  static constexpr const char* type = "InstanceNorm2d";
  using InstanceNorm::InstanceNorm;
  Tensor forward(const Tensor& x) const { return normalized(x, 4, "[B, C, H, W] or [C, H, W]"); }
};

/// x [B, C, D, H, W] or [C, D, H, W].
class InstanceNorm3d : public InstanceNorm<InstanceNorm3d> {
 public:
  static constexpr const char* type = "InstanceNorm3d";
  using InstanceNorm::InstanceNorm;
  Tensor forward(const Tensor& x) const { return normalized(x, 5, "[B, C, D, H, W] or [C, D, H, W]"); }
};

}  // namespace ditharos::nn
