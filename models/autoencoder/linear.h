#pragma once
// The simplest visual encoder and decoder: steps [2] and [12] of the exercise in docs/sora.md.
#include <ditharos/models/dit/patch.h>
#include <ditharos/nn/linear.h>

namespace ditharos::models {

struct LinearAutoencoderConfig {
  int64_t channels = 3;         ///< of the videos
  PatchSize patch = {1, 8, 8};  ///< encoded as one vector
  int64_t latent_channels = 4;  ///< length of that vector

  /// Numbers in a patch.
  int64_t patch_volume() const { return channels * patch.volume(); }
  /// Elements of a video for each element of the latent: 48 with the defaults, which encode 256x256x3 as 32x32x4.
  double factor() const { return double(patch_volume()) / double(latent_channels); }
  /// Throws ConfigError with one sentence that says what does not fit.
  void validate() const;

  friend bool operator==(const LinearAutoencoderConfig&, const LinearAutoencoderConfig&) = default;
};

/// A layer's two results: z = W x + b, and h = max(0, z).
struct Rectified {
  Tensor z, h;
};

/// Encoder and decoder are a linear map and a ReLU each, applied to every patch. The autoencoder is frozen: its
/// parameters get no gradient, so training a model on its latents does not change it.
class LinearAutoencoder : public nn::Module<LinearAutoencoder> {
 public:
  LinearAutoencoder() = default;
  /// Throws ConfigError when the configuration does not fit together.
  LinearAutoencoder(const LinearAutoencoderConfig& config, Generator& rng);

  /// Patches [..., patch_volume] (patchify) -> [..., latent_channels].
  Rectified encode(const Tensor& patches) const;
  /// [..., latent_channels] -> patches [..., patch_volume].
  Rectified decode(const Tensor& latents) const;

  /// Whole videos [B, F, C, H, W], whose size the patch divides -> [B, F / pt, latent_channels, H / ph, W / pw].
  Tensor to_latents(const Tensor& videos) const;
  /// The inverse: latents to videos [B, F, C, H, W].
  Tensor from_latents(const Tensor& latents) const;

  /// Replaces its weights by others, which are frozen too: encoder [latent_channels, patch_volume] with bias
  /// [latent_channels], decoder [patch_volume, latent_channels] with bias [patch_volume]. ShapeError for other shapes.
  void set_weights(const Tensor& encoder, const Tensor& encoder_bias, const Tensor& decoder,
                   const Tensor& decoder_bias);
  void visit(nn::Visitor& v) override;

  const LinearAutoencoderConfig& config() const { return config_; }
  const nn::Linear& encoder() const { return encoder_; }
  const nn::Linear& decoder() const { return decoder_; }

 private:
  LinearAutoencoderConfig config_;
  nn::Linear encoder_, decoder_;
};

}  // namespace ditharos::models
