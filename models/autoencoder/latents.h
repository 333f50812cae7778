#pragma once
// What the autoencoders of this folder have in common: the distribution that an encoder predicts, and the statistics by
// which latents are normalised.
#include <vector>

#include <ditharos/nn/module.h>
#include <ditharos/tensor/random.h>

namespace ditharos::models {

/// The encoder's output: a normal distribution for each latent element. Both tensors have the shape of the latents,
/// [..., C, H/stride, W/stride].
struct LatentDistribution {
  Tensor mean, log_variance;

  /// The most probable latents, which are the means.
  Tensor mode() const { return mean; }
  /// A draw: mean + exp(log_variance / 2) times standard normal noise.
  Tensor sample(Generator& rng) const;
  /// Distance from the standard normal distribution, in nats for each latent element (Kingma and Welling 2014,
  /// appendix B).
  Tensor kl_divergence() const;
};

/// The numbers by which raw latents are brought to zero mean and unit variance, one pair a channel. They are stored and
/// loaded with the autoencoder, under the names latent_mean and latent_std.
class LatentNorm {
 public:
  LatentNorm() = default;
  /// Means 0 and standard deviations 1, for latents [..., channels, H, W].
  explicit LatentNorm(int64_t channels) : LatentNorm(channels, 0, 1) {}
  LatentNorm(int64_t channels, double mean, double standard_deviation);

  Tensor normalize(const Tensor& latents) const;
  /// The inverse.
  Tensor denormalize(const Tensor& latents) const;
  /// Sets both, [channels] each. Error, and nothing changed, for a deviation that is not positive.
  void set(const Tensor& mean, const Tensor& standard_deviation);

  void visit(nn::Visitor& v);

 private:
  nn::Buffer mean_, std_;  // [channels]
};

/// Mean and standard deviation of each channel over all latents that are added; sums in double.
class LatentStatistics {
 public:
  explicit LatentStatistics(int64_t channels) : sum_(size_t(channels)), sum_of_squares_(size_t(channels)) {}

  /// Raw latents [B, F, C, H, W].
  void add(const Tensor& latents);
  Tensor mean() const;                ///< [C]
  Tensor standard_deviation() const;  ///< [C]

 private:
  std::vector<double> sum_, sum_of_squares_;
  int64_t count_ = 0;
};

}  // namespace ditharos::models
