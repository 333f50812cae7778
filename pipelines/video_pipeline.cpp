#include <ditharos/pipelines/video_pipeline.h>

#include <charconv>
#include <filesystem>
#include <map>

#include <ditharos/autograd/ops.h>
#include <ditharos/models/dit/cost.h>
#include <ditharos/models/samplers/video_sampling.h>
#include <ditharos/nn/inference.h>
#include <ditharos/nn/state_dict.h>
#include <ditharos/pipelines/open_run.h>
#include <ditharos/pipelines/stored/stored_configuration.h>
#include <ditharos/tensor/io/safetensors.h>
#include <ditharos/training/run/model_size.h>
#include <ditharos/training/run/output_files.h>

namespace ditharos::pipelines {
namespace {

constexpr const char* exported_format = "ditharos-video-1";
constexpr const char* export_suffix = ".safetensors";

std::string entry(const safetensors::Contents& contents, const std::string& key) {
  const auto it = contents.metadata.find(key);
  return it == contents.metadata.end() ? "" : it->second;
}

safetensors::Contents load_export(const std::string& path) {
  safetensors::Contents contents = safetensors::load(path);
  check<ConfigError>(entry(contents, "format") == exported_format, "\"", path,
                     "\" holds tensors, but not a video model that export_video wrote");
  check<IoError>(contents.metadata.contains("step"), "\"", path, "\" does not hold the step of a video model");
  return contents;
}

}  // namespace

VideoPipeline::VideoPipeline(const VideoModelConfig& config, const VideoParts& parts)
    : config_(config), parts_(parts), model_(build_video_model(config.model, parts, 0)) {}

VideoPipeline VideoPipeline::assemble(const std::string& path, const std::string& configuration,
                                      const VideoParts& parts, const nn::NamedTensors& weights, int64_t step,
                                      const LoadOptions& options) {
  VideoModelConfig config = read_video_model(configuration, path);
  config.model = fitted(config.model, parts);
  const int64_t of_autoencoder = parts.autoencoder ? models::count_elements(*parts.autoencoder) : 0;
  training::check_model_size(path, weights, models::count_parameters(config.model).total + of_autoencoder);
  VideoPipeline pipeline(config, parts);
  nn::load_state_dict(pipeline.model_, weights);
  nn::set_training(pipeline.model_, false);
  if (options.int8) nn::quantize(pipeline.model_);
  pipeline.products_ = precision_dtype(options.precision);
  pipeline.description_ = configuration;
  pipeline.step_ = step;
  pipeline.path_ = path;
  return pipeline;
}

VideoPipeline VideoPipeline::from_pretrained(const std::string& path, const LoadOptions& options) {
  if (!path.ends_with(export_suffix)) {
    const training::LatestCheckpoint run = open_run(path, video_checkpoint_kind, "a video model", options);
    return assemble(run.path, run.state->configuration, read_video_parts(run.state->metadata, run.path),
                    weights_of(*run.state, options), run.state->step, options);
  }
  const safetensors::Contents contents = load_export(path);
  nn::NamedTensors weights;
  for (const auto& [name, tensor] : contents.tensors) weights.push_back({name, to(tensor, DType::f32)});
  const std::string number = entry(contents, "step");
  int64_t step = 0;
  std::from_chars(number.data(), number.data() + number.size(), step);
  return assemble(path, entry(contents, "configuration"), read_video_parts(contents.metadata, path), weights, step,
                  options);
}

Tensor VideoPipeline::operator()(const std::vector<std::string>& prompts, const ClipRequest& request,
                                 const ClipProgress& progress) const {
  const Autocast precision(products_);
  return sample_clips(model_, parts_.tokenizer, config_.flow.flow, config_.sampler, prompts, request, progress);
}

void VideoPipeline::set_sampler(const models::SamplerConfig& sampler) {
  models::check_clip_sampler(sampler);
  config_.sampler = sampler;
}

int64_t VideoPipeline::save(const std::string& path) {
  check_export_path(path);
  std::map<std::string, Tensor> tensors;
  for (const auto& [name, tensor] : nn::named_tensors(model_))
    tensors[name] = to(tensor.detach(), name.starts_with("dit.") ? DType::bf16 : DType::f32);
  safetensors::save(path, tensors,
                    {{"format", exported_format},
                     {"step", std::to_string(step_)},
                     {"configuration", description_},
                     {"autoencoder", parts_.autoencoder_description},
                     {"tokenizer", parts_.tokenizer.to_text()}});
  return int64_t(std::filesystem::file_size(path));
}

void check_export_path(const std::string& path) {
  check<ConfigError>(path.ends_with(export_suffix), "an export is a ", export_suffix, " file; \"", path,
                     "\" is called otherwise");
  training::check_output_file(path);
}

}  // namespace ditharos::pipelines
