#pragma once
// The shape of a video autoencoder and its checks.
#include <cstdint>

#include <ditharos/tensor/shape.h>

namespace ditharos::models {

/// The architecture of a VideoAutoencoder. The defaults encode 32x32 frames as 8x8 latents with 8 channels: a sixth of
/// the elements.
struct VideoAutoencoderConfig {
  int64_t channels = 3;  ///< of a clip
  int64_t latent_channels = 8;
  int64_t width = 32;  ///< channels at full resolution; each halving doubles them, up to max_width
  int64_t max_width = 64;
  int64_t blocks = 1;       ///< residual blocks at each resolution
  int64_t groups = 8;       ///< of the group norms; divides the widths
  int64_t stages = 2;       ///< halvings of height and width
  int64_t time_stride = 1;  ///< frames that one latent frame stands for: 1, 2 or 4

  /// Pixels along height and along width that one latent element stands for.
  int64_t stride() const { return int64_t(1) << stages; }
  /// Channels after `halvings` halvings.
  int64_t width_at(int64_t halvings) const;
  /// Latents of clips [B, F, 3, H, W]. ShapeError, with the nearest sizes that fit, unless the strides divide F, H, W.
  Shape latent_shape(const Shape& clips) const;
  /// Clips of latents [B, F, C, H, W]. ShapeError for another rank or number of channels.
  Shape clip_shape(const Shape& latents) const;
  /// Throws ConfigError with one sentence that says what does not fit.
  void validate() const;

  friend bool operator==(const VideoAutoencoderConfig&, const VideoAutoencoderConfig&) = default;
};

/// The multiple of `stride` nearest to `size`, at least one of it: the size that messages name.
[[nodiscard]] int64_t nearest_multiple(int64_t size, int64_t stride);

/// Elements of a VideoAutoencoder of this shape, parameters and buffers, without building it.
[[nodiscard]] int64_t count_elements(const VideoAutoencoderConfig& config);

}  // namespace ditharos::models
