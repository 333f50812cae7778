#pragma once
// Class-conditional images from published weights: a DiT or SiT with its process, and the autoencoder of its latents.
//
//   auto pipeline = pipelines::DiTPipeline::from_weights({.transformer = "DiT-XL-2-256x256.pt",
//                                                         .autoencoder = "vae/model.safetensors"});
//   const Tensor images = pipeline.decode(pipeline.latents({.classes = {207, 360}, .seed = 1}));   // [2, 3, 256, 256]
#include <functional>
#include <optional>
#include <string>

#include <ditharos/models/autoencoder/kl.h>
#include <ditharos/models/dit/dit.h>
#include <ditharos/models/zoo/published_model.h>
#include <ditharos/pipelines/image_sampling.h>

namespace ditharos::pipelines {

/// Files of weights, in any format of load_weights, and what their tensors do not tell.
struct DiTFiles {
  std::string transformer;
  std::string autoencoder = {};  ///< empty: the transformer works on pixels
  models::RecognitionHints transformer_hints = {}, autoencoder_hints = {};
};

/// The process that a published model was trained for, from its family. DiT (Peebles and Xie 2023): a Gaussian process
/// of 1000 steps, linear schedule, which predicts eps, and the range of the variance if it has the channels. SiT (Ma
/// et al. 2024): the velocity of the linear path, with times from 0 to 1. ConfigError, with the reason, for other
/// families.
[[nodiscard]] models::DiffusionConfig published_process(const models::RecognizedModel& model);
/// How the papers sample from it: DiT with ddpm in 250 steps, SiT with dopri5; both with a guidance of 4, without
/// guidance where there are no classes.
[[nodiscard]] models::SamplerConfig published_sampler(const models::RecognizedModel& model);

class DiTPipeline {
 public:
  /// ConfigError, in one sentence, for a transformer that published_process refuses, for an autoencoder that is none or
  /// has latents of other channels than the transformer, and for images of other than 1 or 3 channels.
  explicit DiTPipeline(models::PublishedModel transformer, std::optional<models::PublishedModel> autoencoder = {});
  /// Recognises and loads both. The parameters are the tensors of the files, not copies of them, where these are f32.
  /// The errors of load_weights and of PublishedModel::from_tensors besides.
  [[nodiscard]] static DiTPipeline from_weights(const DiTFiles& files);

  /// What the transformer samples for the request: f32 [N, C, H, W], images if there is no autoencoder. `progress` gets
  /// the share of the work that is done. ConfigError for a class that the model does not know.
  [[nodiscard]] Tensor latents(const ImageRequest& request,
                               const std::function<void(double share)>& progress = {}) const;
  /// Images of latents, f32 [N, 1 or 3, H, W] in [-1, 1] up to overshoot, decoded one after another; the latents
  /// themselves if there is no autoencoder.
  [[nodiscard]] Tensor decode(const Tensor& latents) const;

  /// The sampler, by default the published one. ConfigError when the sampler does not fit the process, and for guidance
  /// of a model without classes.
  void set_sampler(const models::SamplerConfig& sampler);
  const models::SamplerConfig& sampler() const { return sampler_; }
  const models::DiffusionConfig& process() const { return process_; }

  const models::DiT& transformer() const;
  /// Null for a transformer that works on pixels.
  const models::AutoencoderKL* autoencoder() const;
  /// Family, name and notes of the transformer.
  const models::RecognizedModel& description() const { return transformer_.description(); }

 private:
  models::PublishedModel transformer_;
  std::optional<models::PublishedModel> autoencoder_;
  models::DiffusionConfig process_;
  models::SamplerConfig sampler_;
};

}  // namespace ditharos::pipelines
