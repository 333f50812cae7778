#pragma once
// How a video autoencoder is trained.
#include <ditharos/models/autoencoder/video.h>
#include <ditharos/models/diffusion/objective.h>

namespace ditharos::models {

struct VideoAutoencoderLoss {
  /// Weight of the distance of the latents from the standard normal distribution. Small: it keeps latents near to each
  /// other and to zero, without costing detail (Rombach et al. 2022, section 3.1 and appendix G).
  double kl_weight = 1e-4;
};

/// The objective for the Trainer: mean squared error of the clips that a draw of the latents decodes to, plus kl_weight
/// times their divergence. Nothing here is noisy data that a network restores, so the trainer's network is not asked,
/// the times are all 1, and `per_sample` is the error without the divergence.
class VideoAutoencoderObjective : public Objective {
 public:
  /// `model` is the one that the trainer trains and must outlive the objective. ConfigError for a negative weight.
  VideoAutoencoderObjective(const VideoAutoencoder& model, const VideoAutoencoderLoss& config);

  Loss loss(const Denoiser& unused, const Tensor& clips, Generator& rng) const override;
  double progress(double t) const override { return t; }

 private:
  const VideoAutoencoder& model_;
  VideoAutoencoderLoss config_;
};

}  // namespace ditharos::models
