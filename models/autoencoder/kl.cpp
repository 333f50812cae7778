#include <ditharos/models/autoencoder/kl.h>

namespace ditharos::models {
namespace {

/// Bounds of the log variance, as in the released code.
constexpr double kl_log_variance_low = -30, kl_log_variance_high = 20;

nn::Conv2d pointwise(int64_t channels, Generator& rng) {
  return {channels, channels, 1, {.init = nn::ConvInit::fan_in_uniform}, rng};
}

/// Clips [B, F, C, H, W] as images [B F, C, H, W].
Tensor as_images(const Tensor& x) {
  return x.rank() == 4 ? x : reshape(x, {x.size(0) * x.size(1), x.size(2), x.size(3), x.size(4)});
}

}  // namespace

AutoencoderKL::AutoencoderKL(const AutoencoderKLConfig& config, Generator& rng) : config_(config) {
  config.validate();
  encoder_ = KLEncoder(config, rng);
  decoder_ = KLDecoder(config, rng);
  if (config.use_quant_conv) quant_conv_ = pointwise(2 * config.latent_channels, rng);
  if (config.use_post_quant_conv) post_quant_conv_ = pointwise(config.latent_channels, rng);
  if (config.latent_statistics) {
    latent_norm_.emplace(config.latent_channels, config.shift_factor, 1 / config.scaling_factor);
  }
}

LatentDistribution AutoencoderKL::encode(const Tensor& images, const TilingOptions& tiling) const {
  return call([&]() -> LatentDistribution {
    Shape shape = config_.latent_shape(images.shape());
    const int channels = shape.rank() - 3;
    shape[channels] *= 2;
    const std::vector<Tensor> halves = chunk(reshape(moments(as_images(images), tiling), shape), 2, channels);
    return {halves[0], clamp(halves[1], kl_log_variance_low, kl_log_variance_high)};
  });
}

Tensor AutoencoderKL::decode(const Tensor& latents, const TilingOptions& tiling) const {
  return call([&] {
    const Shape shape = config_.image_shape(latents.shape());
    return reshape(decoded(as_images(latents), tiling), shape);
  });
}

Tensor AutoencoderKL::moments(const Tensor& images, const TilingOptions& tiling) const {
  return encode_in_tiles(images, config_.stride(), tiling, [&](const Tensor& tile) {
    const Tensor x = encoder_(tile);
    return quant_conv_ ? (*quant_conv_)(x) : x;
  });
}

Tensor AutoencoderKL::decoded(const Tensor& latents, const TilingOptions& tiling) const {
  return decode_in_tiles(latents, config_.stride(), tiling, [&](const Tensor& tile) {
    return decoder_(post_quant_conv_ ? (*post_quant_conv_)(tile) : tile);
  });
}

Tensor AutoencoderKL::to_latents(const Tensor& images) const {
  const Tensor mean = encode(images).mean;
  return latent_norm_ ? latent_norm_->normalize(mean) : (mean - config_.shift_factor) * config_.scaling_factor;
}

Tensor AutoencoderKL::from_latents(const Tensor& latents) const {
  static_cast<void>(config_.image_shape(latents.shape()));  // checks the channels before they are broadcast
  if (latent_norm_) return decode(latent_norm_->denormalize(latents));
  return decode(latents * (1 / config_.scaling_factor) + config_.shift_factor);
}

void AutoencoderKL::set_latent_statistics(const Tensor& mean, const Tensor& standard_deviation) {
  check<ConfigError>(latent_norm_.has_value(),
                     "[AutoencoderKL] this autoencoder scales its latents by scaling_factor = ", config_.scaling_factor,
                     "; set latent_statistics in its configuration to store statistics");
  latent_norm_->set(mean, standard_deviation);
}

void AutoencoderKL::visit(nn::Visitor& v) {
  v("encoder", encoder_);
  v("decoder", decoder_);
  v("quant_conv", quant_conv_);
  v("post_quant_conv", post_quant_conv_);
  if (latent_norm_) latent_norm_->visit(v);
}

}  // namespace ditharos::models
