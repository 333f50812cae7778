#pragma once
// The shape of an AutoencoderKL, its checks, and what it costs.
#include <cstdint>
#include <vector>

#include <ditharos/tensor/shape.h>

namespace ditharos::models {

/// The architecture of an AutoencoderKL, with the names that diffusers gives to the settings. The defaults are the
/// autoencoder of Stable Diffusion 1 and 2, DiT, SiT and Latte (f8, 4 channels). That of Stable Diffusion 3 has
/// latent_channels = 16, no quant_conv, no post_quant_conv, scaling_factor = 1.5305 and shift_factor = .0609.
struct AutoencoderKLConfig {
  int64_t in_channels = 3, out_channels = 3;  ///< of images
  int64_t latent_channels = 4;
  /// Channels at each resolution, from full size on; each but the last ends in a halving of height and width.
  std::vector<int64_t> block_out_channels = {128, 256, 512, 512};
  int64_t layers_per_block = 2;         ///< residual blocks at each resolution of the encoder; the decoder has one more
  int64_t norm_num_groups = 32;         ///< of the group norms; divides all widths
  bool mid_block_add_attention = true;  ///< attention of one head between the two middle blocks
  bool use_quant_conv = true, use_post_quant_conv = true;  ///< 1x1 convolutions after the encoder, before the decoder
  /// Diffusion models see (latents - shift_factor) * scaling_factor.
  double scaling_factor = .18215, shift_factor = 0;
  /// Diffusion models see latents that are normalised by stored means and standard deviations of each channel, which
  /// training measures, in place of scaling_factor and shift_factor.
  bool latent_statistics = false;

  /// Pixels along height and along width that one latent element stands for.
  int64_t stride() const { return int64_t(1) << (block_out_channels.size() - 1); }
  /// Latents of images [B, C, H, W] or clips [B, F, C, H, W]. ShapeError, with the nearest size that fits, unless the
  /// stride divides H and W.
  Shape latent_shape(const Shape& images) const;
  /// Images of latents [B, C, H, W] or [B, F, C, H, W]. ShapeError for another rank or number of channels.
  Shape image_shape(const Shape& latents) const;
  /// Throws ConfigError with one sentence that says what does not fit.
  void validate() const;

  friend bool operator==(const AutoencoderKLConfig&, const AutoencoderKLConfig&) = default;
};

/// Parameters of the parts of an AutoencoderKL.
struct AutoencoderKLParameters {
  int64_t encoder = 0, decoder = 0, quant_conv = 0, post_quant_conv = 0;

  int64_t total() const { return encoder + decoder + quant_conv + post_quant_conv; }
};
/// Counted from the configuration alone: 83,653,863 in all with the defaults.
[[nodiscard]] AutoencoderKLParameters count_parameters(const AutoencoderKLConfig& config);
/// Elements of an AutoencoderKL of this shape, parameters and buffers, without building it.
[[nodiscard]] int64_t count_elements(const AutoencoderKLConfig& config);

/// Multiply-accumulate operations of one image: convolutions, linear layers and the products of attention.
struct AutoencoderKLMacs {
  int64_t encode = 0, decode = 0;
};
/// The defaults need 136.4e9 and 311.1e9 for an image of 256x256 pixels. ShapeError unless the stride divides the size.
[[nodiscard]] AutoencoderKLMacs count_macs(const AutoencoderKLConfig& config, int64_t height, int64_t width);

}  // namespace ditharos::models
