#include <ditharos/pipelines/image_pipeline.h>

#include <charconv>
#include <optional>
#include <utility>

#include <ditharos/models/dit/cost.h>
#include <ditharos/nn/inference.h>
#include <ditharos/nn/state_dict.h>
#include <ditharos/pipelines/open_run.h>
#include <ditharos/pipelines/stored/stored_autoencoder.h>
#include <ditharos/pipelines/stored/stored_configuration.h>
#include <ditharos/training/run/model_size.h>

namespace ditharos::pipelines {
namespace {

int64_t stored_number(const training::LatestCheckpoint& run, const char* key) {
  const auto it = run.state->metadata.find(key);
  int64_t value = -1;
  if (it != run.state->metadata.end()) std::from_chars(it->second.data(), it->second.data() + it->second.size(), value);
  check<IoError>(value >= 0, "\"", run.path, "\" does not say the ", key, " of its images");
  return value;
}

}  // namespace

ImagePipeline::ImagePipeline(const ImageModelConfig& config, ImageParts parts, models::LatentDiT model)
    : config_(config), parts_(std::move(parts)), model_(std::move(model)) {}

ImagePipeline ImagePipeline::from_pretrained(const std::string& path, const LoadOptions& options) {
  const training::LatestCheckpoint run = open_run(path, image_checkpoint_kind, "a DiT", options);
  StoredImageModel stored = read_image_model(run.state->configuration, run.path);
  models::DiTConfig& model = stored.config.model;
  model.height = stored_number(run, "height");
  model.width = stored_number(run, "width");
  model.channels = stored_number(run, "channels");
  ImageParts parts = read_image_parts(run.state->metadata, run.path);
  model = fitted(model, parts);
  stored.config.settle();
  std::optional<AutoencoderArchitecture> latents;
  if (!parts.autoencoder.empty()) latents = read_autoencoder_architecture(parts.autoencoder, run.path);
  const nn::NamedTensors& weights = weights_of(*run.state, options);
  training::check_model_size(run.path, weights,
                             models::count_parameters(model).total + (latents ? latents->elements() : 0));
  std::optional<models::Autoencoder> autoencoder;
  if (latents) autoencoder.emplace(latents->build());
  Generator rng(0);
  ImagePipeline pipeline(stored.config, std::move(parts), models::LatentDiT(model, autoencoder, rng));
  nn::load_state_dict(stored_module(pipeline.model_), weights);
  nn::set_training(pipeline.model_, false);
  if (options.int8) nn::quantize(pipeline.model_.dit());
  pipeline.products_ = precision_dtype(options.precision);
  pipeline.data_ = stored.data;
  pipeline.image_settings_ = stored.images;
  pipeline.step_ = run.state->step;
  pipeline.path_ = run.path;
  return pipeline;
}

Tensor ImagePipeline::operator()(const ImageRequest& request, const std::function<void(double)>& progress) const {
  const Autocast precision(products_);
  const Tensor samples = sample_images(model(), config_.process, config_.sampler, request, progress);
  return samples.defined() ? decode_images(model_, samples) : samples;
}

Tensor ImagePipeline::operator()(const PromptRequest& request, const std::function<void(double)>& progress) const {
  check<ConfigError>(parts_.tokenizer.has_value(), path_, " was trained without captions and takes no prompts",
                     parts_.class_names.empty() ? "" : ": choose its images by class");
  const Autocast precision(products_);
  const Tensor samples = sample_images(model(), *parts_.tokenizer, config_.process, config_.sampler, request, progress);
  return samples.defined() ? decode_images(model_, samples) : samples;
}

Shape ImagePipeline::image_shape() const {
  const models::Autoencoder* autoencoder = model_.autoencoder();
  const int64_t stride = autoencoder ? autoencoder->stride() : 1;
  return {model_.channels(), config_.model.height * stride, config_.model.width * stride};
}

std::vector<int64_t> ImagePipeline::labels(const ImageRequest& request) const {
  return request_labels(config_.model, request);
}

int64_t ImagePipeline::count(const ImageRequest& request) const { return request_count(config_.model, request); }

void ImagePipeline::set_sampler(const models::SamplerConfig& sampler) {
  ImageModelConfig config = config_;
  config.sampler = sampler;
  config.settle();
  config_ = config;
}

}  // namespace ditharos::pipelines
