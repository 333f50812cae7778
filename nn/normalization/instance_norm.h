#pragma once
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
    const int64_t batch = x.size(0), channels = this->features();
    if (!this->tracks()) return group_norm(x, channels, this->weight, this->bias, this->eps());
    if (!this->is_training())
      return batch_norm(x, this->running_mean, this->running_var, this->weight, this->bias, false, 0, this->eps());
    // Each channel of each sample is a channel of one sample; the running statistics are the means over the samples.
    Shape shape = x.shape();
    shape[0] = 1, shape[1] = batch * channels;
    const auto repeated = [&](const Tensor& t) { return t.defined() ? repeat(t, {batch}) : Tensor{}; };
    const Tensor means = repeated(this->running_mean), variances = repeated(this->running_var);
    const Tensor y = batch_norm(reshape(x, shape), means, variances, repeated(this->weight), repeated(this->bias), true,
                                *this->momentum(), this->eps());
    const auto mean_of_samples = [&](const Tensor& t) { return mean(reshape(t, {batch, channels}), 0); };
    this->running_mean.copy_(mean_of_samples(means));
    this->running_var.copy_(mean_of_samples(variances));
    return reshape(y, x.shape());
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
