#include <ditharos/models/autoencoder/objective.h>

#include <ditharos/autograd/ops.h>
#include <ditharos/models/diffusion/batch.h>

namespace ditharos::models {

VideoAutoencoderObjective::VideoAutoencoderObjective(const VideoAutoencoder& model, const VideoAutoencoderLoss& config)
    : model_(model), config_(config) {
  check<ConfigError>(config.kl_weight >= 0, "kl_weight must be 0 or more, got ", config.kl_weight);
}

Loss VideoAutoencoderObjective::loss(const Denoiser&, const Tensor& clips, Generator& rng) const {
  const LatentDistribution latents = model_.encode(clips);
  const Tensor error = mean_per_sample(square(model_.decode(latents.sample(rng)) - clips));
  return {mean(error) + latents.kl_divergence() * config_.kl_weight, error.detach(), ones({clips.size(0)})};
}

}  // namespace ditharos::models
