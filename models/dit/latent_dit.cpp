#include <ditharos/models/dit/latent_dit.h>

#include <ditharos/autograd/grad_mode.h>

namespace ditharos::models {

LatentDiT::LatentDiT(const DiTConfig& config, const std::optional<Autoencoder>& autoencoder, Generator& rng)
    : dit_(config, rng) {
  if (!autoencoder) return;
  const int64_t channels = autoencoder->latent_channels();
  check<ConfigError>(config.channels == channels, "a diffusion transformer for ", config.channels,
                     " channels cannot work on latents with ", channels);
  autoencoder_.emplace(*autoencoder);
}

Tensor LatentDiT::to_latents(const Tensor& clips) const {
  const NoGrad no_grad;
  return autoencoder_ ? (*autoencoder_)->to_latents(clips) : clips;
}

Tensor LatentDiT::from_latents(const Tensor& latents) const {
  const NoGrad no_grad;
  return autoencoder_ ? (*autoencoder_)->from_latents(latents) : latents;
}

Shape LatentDiT::latent_shape(const Shape& clips) const {
  const Shape shape = autoencoder_ ? (*autoencoder_)->latent_shape(clips) : clips;
  static_cast<void>(patch_grid(shape, dit_.config().patch));  // refuses what does not divide
  return shape;
}

PatchSize LatentDiT::clip_multiple() const {
  const PatchSize& patch = dit_.config().patch;
  if (!autoencoder_) return patch;
  const Autoencoder& a = **autoencoder_;
  return {patch.frames * a.time_stride(), patch.height * a.stride(), patch.width * a.stride()};
}

void LatentDiT::visit(nn::Visitor& v) {
  v("dit", dit_);
  v("autoencoder", autoencoder_);
}

}  // namespace ditharos::models
