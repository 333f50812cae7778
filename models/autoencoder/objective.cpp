#include <ditharos/models/autoencoder/objective.h>

#include <cmath>

#include <ditharos/autograd/ops.h>
#include <ditharos/models/diffusion/batch.h>

namespace ditharos::models {
namespace {

/// [..., C, H, W] -> [N, C, H, W].
Tensor frames_as_images(const Tensor& x) { return reshape(x, {-1, x.size(-3), x.size(-2), x.size(-1)}); }

}  // namespace

AutoencoderObjective::AutoencoderObjective(Encode encode, Decode decode, const AutoencoderLoss& config,
                                           std::optional<PerceptualLoss> perceptual)
    : encode_(std::move(encode)), decode_(std::move(decode)), config_(config), perceptual_(std::move(perceptual)) {
  check<ConfigError>(config.kl_weight >= 0, "kl_weight must be 0 or more, got ", config.kl_weight);
  check<ConfigError>(config.perceptual_weight >= 0, "perceptual_weight must be 0 or more, got ",
                     config.perceptual_weight);
  check<ConfigError>(config.perceptual_weight == 0 || perceptual_, "perceptual_weight = ", config.perceptual_weight,
                     " needs a classifier for the perceptual loss");
}

Loss AutoencoderObjective::loss(const Denoiser&, const Tensor& data, Generator& rng) const {
  const LatentDistribution latents = encode_(data);
  const Tensor decoded = decode_(latents.sample(rng)), difference = decoded - data;
  Tensor error =
      mean_per_sample(config_.reconstruction == ReconstructionError::l1 ? abs(difference) : square(difference));
  if (config_.perceptual_weight > 0) {
    const Tensor distance = (*perceptual_)(frames_as_images(decoded), frames_as_images(data));
    error = error + mean_per_sample(reshape(distance, {data.size(0), -1})) * config_.perceptual_weight;
  }
  return {mean(error) + latents.kl_divergence() * config_.kl_weight, error.detach(), ones({data.size(0)})};
}

}  // namespace ditharos::models
