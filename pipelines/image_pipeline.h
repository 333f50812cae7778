#pragma once
// Class-conditional images from a model that train_dit trained.
//
//   const auto pipeline = pipelines::ImagePipeline::from_pretrained("runs/quickstart");
//   const Tensor images = pipeline({.classes = {8}, .per_class = 4, .seed = 1});   // [4, C, H, W] in [-1, 1]
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include <ditharos/data/datasets/images/image_settings.h>
#include <ditharos/models/dit/dit.h>
#include <ditharos/pipelines/image_config.h>
#include <ditharos/pipelines/image_sampling.h>
#include <ditharos/pipelines/load_options.h>
#include <ditharos/training/checkpoint/checkpoint.h>

namespace ditharos::pipelines {

/// TrainState::kind of the checkpoints.
inline constexpr const char* image_checkpoint_kind = "dit";
/// Writes kind, image format and class names into a state that a trainer captured, so that from_pretrained can read
/// its checkpoint. The state's configuration is the training program's.
void describe_image_checkpoint(training::TrainState& state, const models::DiTConfig& model,
                               const std::vector<std::string>& class_names);

class ImagePipeline {
 public:
  /// A model from a checkpoint file or a run folder, in evaluation mode. IoError or ConfigError naming it when there is
  /// none, or when it is damaged or of another kind of model.
  [[nodiscard]] static ImagePipeline from_pretrained(const std::string& path, const LoadOptions& options = {});

  /// The images of the request, f32 [N, C, H, W] in [-1, 1] up to overshoot, in the order of labels(request).
  /// `progress` gets the share of the work that is done. ConfigError for a class that the model does not know.
  Tensor operator()(const ImageRequest& request, const std::function<void(double share)>& progress = {}) const;
  /// The class of each image of the request; empty for a model without classes.
  [[nodiscard]] std::vector<int64_t> labels(const ImageRequest& request) const;
  /// Images of the request. ConfigError or ShapeError for more than memory can hold.
  [[nodiscard]] int64_t count(const ImageRequest& request) const;

  /// The sampler, by default that of the training. ConfigError when the sampler does not fit the model.
  void set_sampler(const models::SamplerConfig& sampler);
  const models::SamplerConfig& sampler() const { return config_.sampler; }

  const models::DiT& model() const { return model_; }
  const ImageModelConfig& config() const { return config_; }
  /// Of each class; its number where the checkpoint has no name.
  const std::vector<std::string>& class_names() const { return class_names_; }
  /// The data that the model was trained on, as data::open_images takes it, and how their files became samples.
  const std::string& data() const { return data_; }
  const data::ImageSettings& image_settings() const { return image_settings_; }
  int64_t step() const { return step_; }            ///< of the training
  const std::string& path() const { return path_; }  ///< the file that the model came from

 private:
  ImagePipeline(const ImageModelConfig& config, models::DiT model);

  ImageModelConfig config_;
  models::DiT model_;
  std::vector<std::string> class_names_;
  std::string data_, path_;
  data::ImageSettings image_settings_;
  int64_t step_ = 0;
};

}  // namespace ditharos::pipelines
