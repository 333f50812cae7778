#pragma once
// Images of classes, or from prompts, with a model that train_dit trained.
//
//   const auto pipeline = pipelines::ImagePipeline::from_pretrained("runs/quickstart");
//   const Tensor images = pipeline({.classes = {8}, .per_class = 4, .seed = 1});   // [4, C, H, W] in [-1, 1]
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include <ditharos/data/datasets/images/image_settings.h>
#include <ditharos/models/dit/latent_dit.h>
#include <ditharos/pipelines/image_config.h>
#include <ditharos/pipelines/image_parts.h>
#include <ditharos/pipelines/image_sampling.h>
#include <ditharos/pipelines/load_options.h>

namespace ditharos::pipelines {

class ImagePipeline {
 public:
  /// A model from a checkpoint file or a run folder, in evaluation mode. IoError or ConfigError naming it when there is
  /// none, or when it is damaged or of another kind of model.
  [[nodiscard]] static ImagePipeline from_pretrained(const std::string& path, const LoadOptions& options = {});

  /// The images of the request, f32 [N, C, H, W] in [-1, 1] up to overshoot, in the order of labels(request).
  /// `progress` gets the share of the work that is done. ConfigError for a class that the model does not know, and for
  /// a model of prompts.
  Tensor operator()(const ImageRequest& request, const std::function<void(double share)>& progress = {}) const;
  /// The images of each prompt in turn. ConfigError for a model without prompts, and for a prompt that is empty or too
  /// long.
  Tensor operator()(const PromptRequest& request, const std::function<void(double share)>& progress = {}) const;
  /// The class of each image of the request; empty for a model without classes.
  [[nodiscard]] std::vector<int64_t> labels(const ImageRequest& request) const;
  /// Images of the request. ConfigError or ShapeError for more than memory can hold.
  [[nodiscard]] int64_t count(const ImageRequest& request) const;

  /// The sampler, by default that of the training. ConfigError when the sampler does not fit the model.
  void set_sampler(const models::SamplerConfig& sampler);
  const models::SamplerConfig& sampler() const { return config_.sampler; }

  const models::DiT& model() const { return model_.dit(); }
  /// The shape of an image, [C, H, W]; the model's own is that of its latents.
  [[nodiscard]] Shape image_shape() const;
  const ImageModelConfig& config() const { return config_; }
  /// Of each class; its number where the checkpoint has no name.
  const std::vector<std::string>& class_names() const { return parts_.class_names; }
  /// Of a model of prompts; else null.
  const data::Tokenizer* tokenizer() const { return parts_.tokenizer ? &*parts_.tokenizer : nullptr; }
  /// The data that the model was trained on, as data::open_images takes it, and how their files became samples.
  const std::string& data() const { return data_; }
  const data::ImageSettings& image_settings() const { return image_settings_; }
  int64_t step() const { return step_; }             ///< of the training
  const std::string& path() const { return path_; }  ///< the file that the model came from

 private:
  ImagePipeline(const ImageModelConfig& config, ImageParts parts, models::LatentDiT model);

  ImageModelConfig config_;
  ImageParts parts_;
  models::LatentDiT model_;
  DType products_ = DType::f32;
  std::string data_, path_;
  data::ImageSettings image_settings_;
  int64_t step_ = 0;
};

}  // namespace ditharos::pipelines
