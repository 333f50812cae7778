#pragma once
// Latent diffusion: a diffusion transformer together with the autoencoder of its latents.
#include <optional>

#include <ditharos/models/autoencoder/autoencoder.h>
#include <ditharos/models/dit/dit.h>
#include <ditharos/nn/frozen.h>

namespace ditharos::models {

/// A transformer on the latents of a frozen autoencoder, or on pixels without one. Called, trained and sampled like the
/// transformer; its state dict holds both. The autoencoder may be an AutoencoderKL, for images of 256x256x3 with
/// latents of 32x32x4, or a VideoAutoencoder; images are clips of one frame.
class LatentDiT : public nn::Module<LatentDiT> {
 public:
  /// ConfigError unless the transformer's channels are those of the latents, or of clips without an autoencoder.
  LatentDiT(const DiTConfig& config, const std::optional<Autoencoder>& autoencoder, Generator& rng);

  /// The transformer: see DiT::forward; x are latents.
  Tensor forward(const Tensor& x, const Tensor& t, const Tensor& conditions = {}, FeatureCache* cache = nullptr) const {
    return dit_(x, t, conditions, cache);
  }
  /// Clips [B, F, C, H, W] in [-1, 1] to latents (or pixels), and back. Records no graph.
  Tensor to_latents(const Tensor& clips) const;
  Tensor from_latents(const Tensor& latents) const;
  /// The shape of the latents (or pixels) of clips [B, F, C, H, W]. ShapeError unless strides and patches divide them.
  Shape latent_shape(const Shape& clips) const;
  /// Frames, height and width of clips must be multiples of these.
  PatchSize clip_multiple() const;
  /// Channels of clips.
  int64_t channels() const { return autoencoder_ ? (*autoencoder_)->channels() : dit_.config().channels; }
  /// Frames of a clip that one frame of latents stands for.
  int64_t time_stride() const { return autoencoder_ ? (*autoencoder_)->time_stride() : 1; }

  void visit(nn::Visitor& v) override;
  DiT& dit() { return dit_; }
  const DiT& dit() const { return dit_; }
  /// The autoencoder, or null.
  const Autoencoder* autoencoder() const { return autoencoder_ ? &**autoencoder_ : nullptr; }

 private:
  DiT dit_;
  std::optional<nn::Frozen<Autoencoder>> autoencoder_;
};

}  // namespace ditharos::models
