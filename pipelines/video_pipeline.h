#pragma once
// Clips from prompts, with a model that train_video trained or export_video wrote.
//
//   const auto pipeline = pipelines::VideoPipeline::from_pretrained("examples/checkpoints/sora.safetensors");
//   const Tensor clips = pipeline({"a red sneaker drifts left"}, {.shape = {16, 32, 32}});   // [1, 16, 3, 32, 32]
#include <cstdint>
#include <string>
#include <vector>

#include <ditharos/data/text/tokenizer.h>
#include <ditharos/models/dit/latent_dit.h>
#include <ditharos/pipelines/clip_sampling.h>
#include <ditharos/pipelines/load_options.h>
#include <ditharos/pipelines/video_config.h>
#include <ditharos/pipelines/video_parts.h>

namespace ditharos::pipelines {

class VideoPipeline {
 public:
  /// A model from a run folder, a checkpoint file or an export (.safetensors), in evaluation mode: transformer,
  /// autoencoder, tokenizer. IoError or ConfigError naming it when there is none, or when it is damaged or of another
  /// kind. An export has one set of weights, the averaged ones.
  [[nodiscard]] static VideoPipeline from_pretrained(const std::string& path, const LoadOptions& options = {});

  /// One clip for each prompt, f32 [B, F, 3, H, W] in [-1, 1] up to overshoot. ConfigError for a prompt that is empty
  /// or too long, and when the request does not fit the model.
  Tensor operator()(const std::vector<std::string>& prompts, const ClipRequest& request,
                    const ClipProgress& progress = {}) const;

  /// The sampler, by default that of the training. ConfigError unless it is a sampler of a flow.
  void set_sampler(const models::SamplerConfig& sampler);
  const models::SamplerConfig& sampler() const { return config_.sampler; }

  /// Writes weights and everything else that sampling needs as one safetensors file, whole or not at all. The
  /// transformer is stored in bf16, the autoencoder in f32, since its precision limits that of every pixel. Returns the
  /// file's size in bytes. ConfigError for another ending than .safetensors.
  int64_t save(const std::string& path);

  const models::LatentDiT& model() const { return model_; }
  const data::Tokenizer& tokenizer() const { return parts_.tokenizer; }
  const VideoParts& parts() const { return parts_; }
  const VideoModelConfig& config() const { return config_; }
  int64_t step() const { return step_; }             ///< of the training
  const std::string& path() const { return path_; }  ///< the file that the model came from

  /// The model's weights, for a training that starts from them.
  models::LatentDiT& trainable_model() { return model_; }

 private:
  VideoPipeline(const VideoModelConfig& config, const VideoParts& parts);
  static VideoPipeline assemble(const std::string& path, const std::string& configuration, const VideoParts& parts,
                                const nn::NamedTensors& weights, int64_t step, const LoadOptions& options);

  VideoModelConfig config_;
  VideoParts parts_;
  models::LatentDiT model_;
  DType products_ = DType::f32;
  std::string description_, path_;  // description_: of the model, as files hold it
  int64_t step_ = 0;
};

/// ConfigError unless `path` has the ending of an export, IoError unless a file can be written there.
void check_export_path(const std::string& path);

}  // namespace ditharos::pipelines
