#include <ditharos/models/autoencoder/linear.h>

#include <ditharos/autograd/ops.h>
#include <ditharos/nn/state_dict.h>

namespace ditharos::models {
namespace {

Rectified rectified(const nn::Linear& layer, const Tensor& x) {
  const Tensor z = layer(x);
  return {z, relu(z)};
}

}  // namespace

void LinearAutoencoderConfig::validate() const {
  check<ConfigError>(channels >= 1 && latent_channels >= 1, "a linear autoencoder needs at least one channel and one ",
                     "latent channel, got ", channels, " and ", latent_channels);
  check<ConfigError>(patch.frames >= 1 && patch.height >= 1 && patch.width >= 1,
                     "a patch needs at least one frame, row and column, got ", patch);
}

LinearAutoencoder::LinearAutoencoder(const LinearAutoencoderConfig& config, Generator& rng) : config_(config) {
  config.validate();
  encoder_ = nn::Linear(config.patch_volume(), config.latent_channels, rng);
  decoder_ = nn::Linear(config.latent_channels, config.patch_volume(), rng);
  nn::set_requires_grad(*this, false);
}

Rectified LinearAutoencoder::encode(const Tensor& patches) const { return rectified(encoder_, patches); }

Rectified LinearAutoencoder::decode(const Tensor& latents) const { return rectified(decoder_, latents); }

Tensor LinearAutoencoder::to_latents(const Tensor& videos) const {
  const Tensor latents = encode(patchify(videos, config_.patch)).h;  // [B, T, latent_channels]
  return unpatchify(latents, patch_grid(videos.shape(), config_.patch), {1, 1, 1});
}

Tensor LinearAutoencoder::from_latents(const Tensor& latents) const {
  const PatchGrid grid = patch_grid(latents.shape(), {1, 1, 1});
  return unpatchify(decode(patchify(latents, {1, 1, 1})).h, grid, config_.patch);
}

void LinearAutoencoder::set_weights(const Tensor& encoder, const Tensor& encoder_bias, const Tensor& decoder,
                                    const Tensor& decoder_bias) {
  nn::check_same_tensors("the set of weights of a linear autoencoder", nn::named_parameters(*this),
                         {{"encoder.weight", encoder},
                          {"encoder.bias", encoder_bias},
                          {"decoder.weight", decoder},
                          {"decoder.bias", decoder_bias}});
  encoder_.weight = encoder.detach(), encoder_.bias = encoder_bias.detach();
  decoder_.weight = decoder.detach(), decoder_.bias = decoder_bias.detach();
}

void LinearAutoencoder::visit(nn::Visitor& v) {
  v("encoder", encoder_);
  v("decoder", decoder_);
}

}  // namespace ditharos::models
