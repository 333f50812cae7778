#pragma once
#include <ditharos/nn/normalization/channel_norm.h>

namespace ditharos::nn {

/// Normalisation of each channel over the batch (Ioffe and Szegedy 2015). In training it uses the statistics of the
/// batch and updates the running statistics; in evaluation it uses the running ones, or again those of the batch if
/// none are tracked. ShapeError where the statistics of a batch would be those of a single value.
template <class Self>
class BatchNorm : public ChannelNorm<Self> {
 public:
  BatchNorm() = default;
  /// `momentum`: share of the batch in the running statistics; {}: they are the mean over all batches.
  explicit BatchNorm(int64_t num_features, double eps = 1e-5, std::optional<double> momentum = .1, bool affine = true,
                     bool track_running_stats = true)
      : ChannelNorm<Self>(num_features, eps, momentum, affine, track_running_stats) {}

 protected:
  Tensor normalized(const Tensor& x) const {
    const bool training = this->is_training();
    check<ShapeError>((!training && this->tracks()) || x.numel() != x.size(1), "[", Self::type,
                      "] training needs more than one value a channel, got x ", x.shape(),
                      "; leave out a last batch of one sample (drop_last), or call set_training(model, false)");
    if (!training || !this->tracks())
      return batch_norm(x, this->running_mean, this->running_var, this->weight, this->bias, !this->tracks(), 0,
                        this->eps());
    const double share = this->momentum() ? *this->momentum() : 1 / (this->num_batches_tracked.item() + 1);
    const Tensor y =
        batch_norm(x, this->running_mean, this->running_var, this->weight, this->bias, true, share, this->eps());
    ++*this->num_batches_tracked.template mutable_data<int64_t>();
    return y;
  }
};

/// x [B, C] or [B, C, L].
class BatchNorm1d : public BatchNorm<BatchNorm1d> {
 public:
  static constexpr const char* type = "BatchNorm1d";
  using BatchNorm::BatchNorm;
  Tensor forward(const Tensor& x) const {
    check_input("batch_norm", x, 2, 3, "[B, C] or [B, C, L]");
    return normalized(x);
  }
};

/// x [B, C, H, W].
class BatchNorm2d : public BatchNorm<BatchNorm2d> {
 public:
  static constexpr const char* type = "BatchNorm2d";
  using BatchNorm::BatchNorm;
  Tensor forward(const Tensor& x) const {
    check_input("batch_norm", x, 4, 4, "[B, C, H, W]");
    return normalized(x);
  }
};

/// x [B, C, D, H, W].
class BatchNorm3d : public BatchNorm<BatchNorm3d> {
 public:
  static constexpr const char* type = "BatchNorm3d";
  using BatchNorm::BatchNorm;
  Tensor forward(const Tensor& x) const {
    check_input("batch_norm", x, 5, 5, "[B, C, D, H, W]");
    return normalized(x);
  }
};

}  // namespace ditharos::nn
