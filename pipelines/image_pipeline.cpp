#include <ditharos/pipelines/image_pipeline.h>

#include <charconv>
#include <utility>

#include <ditharos/models/dit/cost.h>
#include <ditharos/nn/inference.h>
#include <ditharos/nn/state_dict.h>
#include <ditharos/pipelines/open_run.h>
#include <ditharos/pipelines/stored_configuration.h>
#include <ditharos/training/run/model_size.h>

namespace ditharos::pipelines {
namespace {

int64_t stored_number(const training::LatestCheckpoint& run, const char* key) {
  const auto it = run.state->metadata.find(key);
  int64_t value = -1;
  if (it != run.state->metadata.end())
    std::from_chars(it->second.data(), it->second.data() + it->second.size(), value);
  check<IoError>(value >= 0, "\"", run.path, "\" does not say the ", key, " of its images");
  return value;
}

std::string name_entry(int64_t label) { return "class " + std::to_string(label); }

}  // namespace

void describe_image_checkpoint(training::TrainState& state, const models::DiTConfig& model,
                               const std::vector<std::string>& class_names) {
  state.kind = image_checkpoint_kind;
  state.metadata["height"] = std::to_string(model.height);
  state.metadata["width"] = std::to_string(model.width);
  state.metadata["channels"] = std::to_string(model.channels);
  state.metadata["classes"] = std::to_string(model.classes);
  for (size_t i = 0; i < class_names.size(); ++i) state.metadata[name_entry(int64_t(i))] = class_names[i];
}

ImagePipeline::ImagePipeline(const ImageModelConfig& config, models::DiT model)
    : config_(config), model_(std::move(model)) {}

ImagePipeline ImagePipeline::from_pretrained(const std::string& path, const LoadOptions& options) {
  const training::LatestCheckpoint run = open_run(path, image_checkpoint_kind, "a DiT", options);
  StoredImageModel stored = read_image_model(run.state->configuration, run.path);
  models::DiTConfig& model = stored.config.model;
  model.height = stored_number(run, "height");
  model.width = stored_number(run, "width");
  model.channels = stored_number(run, "channels");
  model.classes = stored_number(run, "classes");
  stored.config.settle();
  const nn::NamedTensors& weights = weights_of(*run.state, options);
  training::check_model_size(run.path, weights, models::count_parameters(model).total);
  Generator rng(0);
  ImagePipeline pipeline(stored.config, models::DiT(model, rng));
  nn::load_state_dict(pipeline.model_, weights);
  nn::set_training(pipeline.model_, false);
  if (options.int8) nn::quantize(pipeline.model_);
  for (int64_t i = 0; i < model.classes; ++i) {
    const auto it = run.state->metadata.find(name_entry(i));
    pipeline.class_names_.push_back(it == run.state->metadata.end() ? std::to_string(i) : it->second);
  }
  pipeline.data_ = stored.data;
  pipeline.image_settings_ = stored.images;
  pipeline.step_ = run.state->step;
  pipeline.path_ = run.path;
  return pipeline;
}

Tensor ImagePipeline::operator()(const ImageRequest& request, const std::function<void(double)>& progress) const {
  return sample_images(model_, config_.process, config_.sampler, request, progress);
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
