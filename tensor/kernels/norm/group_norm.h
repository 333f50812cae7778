#pragma once
// Normalisation over channels and positions of images x [B, C, ...], and RMS norm over the last axis.
#include <optional>

#include <ditharos/tensor/tensor.h>

namespace ditharos::kernels {

/// The gradients of a normalisation; weight and bias are always defined, [C].
struct ChannelNormGrads {
  Tensor x, weight, bias;
};

/// y = f(xhat * weight + bias), f SiLU if `silu`, else nothing; xhat = (x - mean) / sqrt(var + eps) over each of
/// `groups` groups of channels of an image (Wu and He 2018). weight, bias [C] or undefined. `statistics`, if not null,
/// receives [B * groups, 2] = (mean, 1/sqrt(var + eps)). `dtype` of y: x's, or bf16 beside x in f32.
Tensor group_norm(const Tensor& x, int64_t groups, const Tensor& weight, const Tensor& bias, double eps, bool silu,
                  Tensor* statistics, std::optional<DType> dtype = {});
ChannelNormGrads group_norm_backward(const Tensor& grad, const Tensor& x, int64_t groups, const Tensor& weight,
                                     const Tensor& bias, bool silu, const Tensor& statistics);

/// The same over each channel of the whole batch (Ioffe and Szegedy 2015); statistics [C, 2]. `variance`, if not null,
/// receives the batch's variance without the correction, [C] f64.
Tensor batch_norm(const Tensor& x, const Tensor& weight, const Tensor& bias, double eps, Tensor* statistics,
                  Tensor* variance);
ChannelNormGrads batch_norm_backward(const Tensor& grad, const Tensor& x, const Tensor& weight,
                                     const Tensor& statistics);
/// running = (1 - momentum) running + momentum batch, in place, for mean and variance [C], from batch_norm's statistics
/// and variance of `count` elements each. The variance that is kept is the unbiased one. NaN in a batch stays NaN.
void update_running_statistics(const Tensor& running_mean, const Tensor& running_variance, const Tensor& statistics,
                               const Tensor& variance, double momentum, int64_t count);

/// y = x / sqrt(mean(x^2) + eps) * weight over the last axis (Zhang and Sennrich 2019); weight [D] or undefined.
/// `inverse`, if not null, receives [rows] = 1/sqrt(mean(x^2) + eps).
Tensor rms_norm(const Tensor& x, const Tensor& weight, double eps, Tensor* inverse);
struct RmsNormGrads {
  Tensor x, weight;
};  ///< weight undefined when there is none
RmsNormGrads rms_norm_backward(const Tensor& grad, const Tensor& x, const Tensor& weight, const Tensor& inverse);

}  // namespace ditharos::kernels
