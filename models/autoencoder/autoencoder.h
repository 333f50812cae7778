#pragma once
// The autoencoder of a latent diffusion model, whichever it is.
#include <variant>

#include <ditharos/models/autoencoder/kl.h>
#include <ditharos/models/autoencoder/video.h>

namespace ditharos::models {

enum class AutoencoderKind { video, kl };  ///< VideoAutoencoder or AutoencoderKL

/// One description for both kinds, as training programs and their checkpoints have it.
struct AutoencoderConfig {
  AutoencoderKind kind = AutoencoderKind::video;
  VideoAutoencoderConfig sizes = {};

  /// The AutoencoderKL of these sizes: block_out_channels are width_at(0) to width_at(stages), layers_per_block is
  /// `blocks`, norm_num_groups is `groups`. Latents are normalised by stored statistics.
  AutoencoderKLConfig kl() const;
  /// Throws ConfigError with one sentence that says what does not fit; an AutoencoderKL has time_stride = 1.
  void validate() const;
  /// Latents of clips [B, F, C, H, W]. ShapeError, with the nearest sizes that fit, unless the strides divide F, H, W.
  Shape latent_shape(const Shape& clips) const;

  friend bool operator==(const AutoencoderConfig&, const AutoencoderConfig&) = default;
};
/// Elements of an autoencoder of this description, parameters and buffers, without building it.
[[nodiscard]] int64_t count_elements(const AutoencoderConfig& config);

/// A VideoAutoencoder or an AutoencoderKL. Its tensors have the names of the one that it is. The member functions are
/// those of both classes; clips are [B, F, C, H, W], and an AutoencoderKL encodes images [B, C, H, W], too.
class Autoencoder : public nn::Module<Autoencoder> {
 public:
  Autoencoder(VideoAutoencoder model) : model_(std::move(model)) {}
  Autoencoder(AutoencoderKL model) : model_(std::move(model)) {}
  /// One with random weights. ConfigError when the configuration does not fit together.
  Autoencoder(const AutoencoderConfig& config, Generator& rng);

  LatentDistribution encode(const Tensor& clips) const;
  Tensor decode(const Tensor& latents) const;
  Tensor to_latents(const Tensor& clips) const;
  Tensor from_latents(const Tensor& latents) const;
  void set_latent_statistics(const Tensor& mean, const Tensor& standard_deviation);

  int64_t channels() const;         ///< of clips
  int64_t latent_channels() const;  ///< of latents
  int64_t stride() const;           ///< pixels along height and along width that one latent element stands for
  int64_t time_stride() const;      ///< frames that one latent frame stands for
  /// ShapeError, with the nearest sizes that fit, unless the strides divide the clips [B, F, C, H, W].
  Shape latent_shape(const Shape& clips) const;

  void visit(nn::Visitor& v) override;

 private:
  std::variant<VideoAutoencoder, AutoencoderKL> model_;
};

}  // namespace ditharos::models
