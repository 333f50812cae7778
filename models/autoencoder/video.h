#pragma once
// Clips to latents and back: a variational autoencoder of convolutions (Kingma and Welling 2014), as latent diffusion
// uses one (Rombach et al. 2022).
#include <utility>
#include <vector>

#include <ditharos/models/autoencoder/config.h>
#include <ditharos/models/autoencoder/latents.h>
#include <ditharos/models/autoencoder/layers.h>

namespace ditharos::models {

/// Frames are encoded and decoded independently of each other. With a time_stride above 1 the layers nearest to the
/// latents combine neighbouring frames. Clips have any number of frames and any size that the strides divide.
class VideoAutoencoder : public nn::Module<VideoAutoencoder> {
 public:
  VideoAutoencoder(const VideoAutoencoderConfig& config, Generator& rng);

  /// Clips [B, F, channels, H, W] in [-1, 1]. ShapeError, with the nearest sizes that fit, when the strides do not
  /// divide them.
  LatentDistribution encode(const Tensor& clips) const;
  /// Raw latents [B, F, latent_channels, H, W], draws or means of encode(), to clips, in [-1, 1] up to overshoot.
  Tensor decode(const Tensor& latents) const;

  /// The latents that diffusion models are trained on: the encoder's means, normalised per channel.
  Tensor to_latents(const Tensor& clips) const;
  /// The inverse: denormalises and decodes.
  Tensor from_latents(const Tensor& latents) const;
  /// Sets what to_latents subtracts and divides by: mean and standard deviation of the raw latents of the data,
  /// [latent_channels] each. They start as 0 and 1. Error, and nothing changed, for a deviation that is not positive.
  void set_latent_statistics(const Tensor& mean, const Tensor& standard_deviation);

  void visit(nn::Visitor& v) override;
  const VideoAutoencoderConfig& config() const { return config_; }

 private:
  LatentDistribution encoded(const Tensor& clips) const;
  Tensor decoded(const Tensor& latents) const;

  VideoAutoencoderConfig config_;
  nn::Conv2d encoder_in_, encoder_out_, decoder_in_, decoder_out_;
  std::vector<FrameDown> downs_;
  std::vector<TimeDown> time_downs_;
  std::vector<FrameResidual> encoder_blocks_, decoder_blocks_;  // `blocks` a resolution, in the order of their use
  std::vector<TimeUp> time_ups_;
  std::vector<FrameUp> ups_;
  nn::GroupNorm encoder_norm_, decoder_norm_;
  LatentNorm latent_norm_;
};

}  // namespace ditharos::models
