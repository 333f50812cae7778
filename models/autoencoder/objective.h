#pragma once
// How autoencoders of images and clips are trained.
#include <functional>
#include <optional>

#include <ditharos/models/autoencoder/latents.h>
#include <ditharos/models/autoencoder/perceptual.h>
#include <ditharos/models/diffusion/objective.h>

namespace ditharos::models {

enum class ReconstructionError { l1, l2 };  ///< mean absolute difference, or mean squared difference

struct AutoencoderLoss {
  ReconstructionError reconstruction = ReconstructionError::l2;
  /// Weight of the Kullback-Leibler divergence of the latents from the standard normal distribution. A small weight
  /// keeps the latents near zero without loss of detail (Rombach et al. 2022, section 3.1 and appendix G).
  double kl_weight = 1e-4;
  /// Weight of the perceptual distance, which needs a classifier.
  double perceptual_weight = 0;
};

/// The objective for the Trainer: the error of the images or clips that a draw of the latents decodes to, plus
/// perceptual_weight times their perceptual distance, plus kl_weight times the divergence of the latents. There is no
/// noisy data: the trainer's network is not called, all times are 1, and `per_sample` is the loss without the
/// divergence.
class AutoencoderObjective : public Objective {
 public:
  /// `model` is the one that the trainer trains, a VideoAutoencoder, an AutoencoderKL or an Autoencoder, and must
  /// outlive the objective. ConfigError for a negative weight, and for a perceptual weight without a classifier.
  template <class M>
  AutoencoderObjective(const M& model, const AutoencoderLoss& config, std::optional<PerceptualLoss> perceptual = {})
      : AutoencoderObjective([&model](const Tensor& x) { return model.encode(x); },
                             [&model](const Tensor& z) { return model.decode(z); }, config, std::move(perceptual)) {}

  /// `data`: images [B, C, H, W] or clips [B, F, C, H, W] in [-1, 1].
  Loss loss(const Denoiser& unused, const Tensor& data, Generator& rng) const override;
  double progress(double t) const override { return t; }
  bool has_times() const override { return false; }

 private:
  using Encode = std::function<LatentDistribution(const Tensor&)>;
  using Decode = std::function<Tensor(const Tensor&)>;
  AutoencoderObjective(Encode encode, Decode decode, const AutoencoderLoss& config,
                       std::optional<PerceptualLoss> perceptual);

  Encode encode_;
  Decode decode_;
  AutoencoderLoss config_;
  std::optional<PerceptualLoss> perceptual_;
};

}  // namespace ditharos::models
