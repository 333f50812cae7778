#pragma once
// AutoencoderKL: the variational autoencoder of images that latent diffusion models use (Rombach et al. 2022, "High-
// Resolution Image Synthesis with Latent Diffusion Models"). With the default configuration it has the shapes and the
// arithmetic of the released f8, 4-channel autoencoder; models/autoencoder/kl_names.h maps the published state dicts.
//
// VideoAutoencoder is a class of its own. Both are made of the layers in models/autoencoder/layers.h, but their state
// dicts and the order of their layers differ, and checkpoints of both exist: the video autoencoder halves before its
// residual blocks, without attention, and has layers that combine frames; this one has the published layout.
#include <optional>

#include <ditharos/models/autoencoder/kl_layers.h>
#include <ditharos/models/autoencoder/latents.h>
#include <ditharos/models/autoencoder/tiling.h>

namespace ditharos::models {

/// Frames of clips are encoded and decoded independently of each other, as images. Initial values are those of
/// PyTorch's layers, which diffusers keeps: weights and biases uniform in +-1 / sqrt(fan_in), norms 1 and 0.
class AutoencoderKL : public nn::Module<AutoencoderKL> {
 public:
  /// ConfigError when the configuration does not fit together.
  AutoencoderKL(const AutoencoderKLConfig& config, Generator& rng);

  /// Images [B, in_channels, H, W] or clips [B, F, in_channels, H, W] in [-1, 1]; the log variance is clamped to
  /// [-30, 20]. ShapeError, with the nearest size that fits, unless the stride divides H and W.
  LatentDistribution encode(const Tensor& images, const TilingOptions& tiling = {}) const;
  /// Raw latents, draws or means of encode(), to images or clips, in [-1, 1] up to overshoot.
  Tensor decode(const Tensor& latents, const TilingOptions& tiling = {}) const;
  /// The reconstruction of images from the means of their latents.
  Tensor forward(const Tensor& images) const { return decode(encode(images).mode()); }

  /// The latents that diffusion models are trained on: (mean - shift_factor) * scaling_factor, or the means normalised
  /// by the stored statistics.
  Tensor to_latents(const Tensor& images) const;
  /// The inverse: undoes the scaling and decodes.
  Tensor from_latents(const Tensor& latents) const;
  /// Sets what to_latents subtracts and divides by, [latent_channels] each. ConfigError unless the configuration has
  /// latent_statistics; Error, and nothing changed, for a deviation that is not positive.
  void set_latent_statistics(const Tensor& mean, const Tensor& standard_deviation);

  void visit(nn::Visitor& v) override;
  const AutoencoderKLConfig& config() const { return config_; }

 private:
  Tensor moments(const Tensor& images, const TilingOptions& tiling) const;
  Tensor decoded(const Tensor& latents, const TilingOptions& tiling) const;

  AutoencoderKLConfig config_;
  KLEncoder encoder_;
  KLDecoder decoder_;
  std::optional<nn::Conv2d> quant_conv_, post_quant_conv_;
  std::optional<LatentNorm> latent_norm_;
};

}  // namespace ditharos::models
