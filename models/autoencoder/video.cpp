#include <ditharos/models/autoencoder/video.h>

namespace ditharos::models {
namespace {

/// Bounds of the log variance: no draw overflows, and a variance never counts as exactly zero.
constexpr double log_variance_low = -20, log_variance_high = 10;

/// [B, F, C, H, W] -> [B F, C, H, W].
Tensor as_frames(const Tensor& clips) {
  return reshape(clips, {clips.size(0) * clips.size(1), clips.size(2), clips.size(3), clips.size(4)});
}

}  // namespace

VideoAutoencoder::VideoAutoencoder(const VideoAutoencoderConfig& config, Generator& rng) : config_(config) {
  config.validate();
  const auto convolution = [&](int64_t in, int64_t out) { return nn::Conv2d(in, out, 3, 1, 1, rng); };
  const auto add_blocks = [&](std::vector<FrameResidual>& blocks, int64_t width) {
    for (int64_t i = 0; i < config.blocks; ++i) {
      blocks.emplace_back(FrameResidualOptions{.in = width, .out = width, .groups = config.groups}, rng);
    }
  };
  const int64_t narrow = config.width_at(0), wide = config.width_at(config.stages);

  encoder_in_ = convolution(config.channels, narrow);
  for (int64_t s = 0; s < config.stages; ++s) {
    downs_.emplace_back(config.width_at(s), config.width_at(s + 1), rng);
    add_blocks(encoder_blocks_, config.width_at(s + 1));
  }
  for (int64_t t = 1; t < config.time_stride; t *= 2) time_downs_.emplace_back(wide, rng);
  encoder_norm_ = nn::GroupNorm(config.groups, wide);
  encoder_out_ = convolution(wide, 2 * config.latent_channels);

  decoder_in_ = convolution(config.latent_channels, wide);
  for (int64_t t = 1; t < config.time_stride; t *= 2) time_ups_.emplace_back(wide, rng);
  for (int64_t s = config.stages; s > 0; --s) {
    add_blocks(decoder_blocks_, config.width_at(s));
    ups_.emplace_back(config.width_at(s), config.width_at(s - 1), rng);
  }
  add_blocks(decoder_blocks_, narrow);
  decoder_norm_ = nn::GroupNorm(config.groups, narrow);
  decoder_out_ = convolution(narrow, config.channels);

  latent_norm_ = LatentNorm(config.latent_channels);
}

LatentDistribution VideoAutoencoder::encode(const Tensor& clips) const {
  return call([&] { return encoded(clips); });
}

Tensor VideoAutoencoder::decode(const Tensor& latents) const {
  return call([&] { return decoded(latents); });
}

LatentDistribution VideoAutoencoder::encoded(const Tensor& clips) const {
  const Shape latent = config_.latent_shape(clips.shape());
  Tensor x = encoder_in_(as_frames(clips));
  auto block = encoder_blocks_.begin();
  for (const FrameDown& down : downs_) {
    x = down(x);
    for (int64_t i = 0; i < config_.blocks; ++i) x = (*block++)(x);
  }
  int64_t frames = clips.size(1);
  for (const TimeDown& down : time_downs_) {
    x = down(x, frames);
    frames /= 2;
  }
  Shape both = latent;
  both[2] *= 2;
  const std::vector<Tensor> halves = chunk(reshape(encoder_out_(encoder_norm_.with_silu_reduced(x)), both), 2, 2);
  return {halves[0], clamp(halves[1], log_variance_low, log_variance_high)};
}

Tensor VideoAutoencoder::decoded(const Tensor& latents) const {
  const Shape clips = config_.clip_shape(latents.shape());
  Tensor x = decoder_in_(as_frames(latents));
  int64_t frames = latents.size(1);
  for (const TimeUp& up : time_ups_) {
    x = up(x, frames);
    frames *= 2;
  }
  auto block = decoder_blocks_.begin();
  const auto apply_blocks = [&] {
    for (int64_t i = 0; i < config_.blocks; ++i) x = (*block++)(x);
  };
  for (const FrameUp& up : ups_) {
    apply_blocks();
    x = up(x);
  }
  apply_blocks();
  return reshape(decoder_out_(decoder_norm_.with_silu_reduced(x)), clips);
}

Tensor VideoAutoencoder::to_latents(const Tensor& clips) const { return latent_norm_.normalize(encode(clips).mean); }

Tensor VideoAutoencoder::from_latents(const Tensor& latents) const {
  config_.clip_shape(latents.shape());  // checks the channels before they are broadcast
  return decode(latent_norm_.denormalize(latents));
}

void VideoAutoencoder::set_latent_statistics(const Tensor& mean, const Tensor& standard_deviation) {
  latent_norm_.set(mean, standard_deviation);
}

void VideoAutoencoder::visit(nn::Visitor& v) {
  v("encoder_in", encoder_in_);
  v("downs", downs_);
  v("encoder_blocks", encoder_blocks_);
  v("time_downs", time_downs_);
  v("encoder_norm", encoder_norm_);
  v("encoder_out", encoder_out_);
  v("decoder_in", decoder_in_);
  v("time_ups", time_ups_);
  v("decoder_blocks", decoder_blocks_);
  v("ups", ups_);
  v("decoder_norm", decoder_norm_);
  v("decoder_out", decoder_out_);
  latent_norm_.visit(v);
}

}  // namespace ditharos::models
