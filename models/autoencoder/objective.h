#pragma once
// How a video autoencoder is trained.
#include <ditharos/models/autoencoder/video.h>
#include <ditharos/models/diffusion/objective.h>

namespace ditharos::models {

struct VideoAutoencoderLoss {
  /// Weight of the Kullback-Leibler divergence of the latents from the standard normal distribution. A small weight
  /// keeps the latents near zero without loss of detail (Rombach et al. 2022, section 3.1 and appendix G).
  double kl_weight = 1e-4;
};

/// The objective for the Trainer: mean squared error of the clips that a draw of the latents decodes to, plus kl_weight
/// times their divergence. There is no noisy data: the trainer's network is not called, all times are 1, and
/// `per_sample` is the error without the divergence.
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
