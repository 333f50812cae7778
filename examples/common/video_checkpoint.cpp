#include "examples/common/video_checkpoint.h"

#include <charconv>
#include <filesystem>

#include <ditharos/autograd/ops.h>
#include <ditharos/nn/state_dict.h>
#include <ditharos/tensor/io/safetensors.h>
#include <ditharos/training/model_size.h>
#include <ditharos/training/output_files.h>
#include "examples/cli/run_reporter.h"

namespace ditharos::examples {
namespace {

constexpr const char* exported_format = "ditharos-video-1";
constexpr const char* export_suffix = ".safetensors";

const std::string& entry(const std::string& path, const std::map<std::string, std::string>& metadata,
                         const std::string& key) {
  const auto it = metadata.find(key);
  check<IoError>(it != metadata.end(), "\"", path, "\" does not hold the ", key, " of a video model");
  return it->second;
}

/// The settings of an autoencoder; the defaults for an empty configuration.
AutoencoderRun read_autoencoder(const std::string& configuration, const std::string& source) {
  AutoencoderRun run;
  Settings settings("", "");
  describe(settings, run);
  settings.read(configuration, source);
  run.model.validate();
  return run;
}

/// Fills in what the transformer's configuration takes from the other parts.
void complete(VideoRun& run, const models::VideoAutoencoderConfig* autoencoder, const data::Tokenizer& tokenizer) {
  constexpr int64_t rgb = 3;
  run.model.patch = {run.patch[0], run.patch[1], run.patch[2]};
  run.model.channels = autoencoder ? autoencoder->latent_channels : rgb;
  run.model.text.vocabulary = tokenizer.vocabulary();
}

/// A model as its description says, with the weights of `tensors`.
TrainedVideo assemble(const std::string& path, const VideoDescription& description, const nn::NamedTensors& tensors,
                      int64_t step) {
  VideoRun run;
  Settings settings("", "");
  describe(settings, run);
  settings.read(description.configuration, path);
  const data::Tokenizer tokenizer = data::Tokenizer::from_text(description.tokenizer);
  const AutoencoderRun autoencoder = read_autoencoder(description.autoencoder_configuration, path);
  const bool has_autoencoder = !description.autoencoder_configuration.empty();
  complete(run, has_autoencoder ? &autoencoder.model : nullptr, tokenizer);
  const int64_t of_autoencoder = has_autoencoder ? models::count_elements(autoencoder.model) : 0;
  training::check_model_size(path, tensors, models::count_parameters(run.model) + of_autoencoder);
  models::LatentVideo model =
      build_model(run, build_autoencoder(description.autoencoder_configuration, path), tokenizer, 0);
  nn::load_state_dict(model, tensors);
  nn::set_training(model, false);
  return {run, std::move(model), tokenizer, description, step, path};
}

TrainedVideo load_export(const std::string& path) {
  const safetensors::Contents contents = safetensors::load(path);
  const auto format = contents.metadata.find("format");
  check<ConfigError>(format != contents.metadata.end() && format->second == exported_format, "\"", path,
                     "\" holds tensors, but not a video model that export_video wrote");
  nn::NamedTensors tensors;
  for (const auto& [name, tensor] : contents.tensors) tensors.push_back({name, to(tensor, DType::f32)});
  const std::string& number = entry(path, contents.metadata, "step");
  int64_t step = 0;
  std::from_chars(number.data(), number.data() + number.size(), step);
  return assemble(path, description_of(path, contents.metadata), tensors, step);
}

}  // namespace

training::CheckpointKind video_kind() {
  training::OutputSettings output;
  VideoSampling sampling;
  Settings settings("", "");
  describe_output(settings, output);
  describe_sampling(settings, sampling);
  training::CheckpointKind kind{"video", "a video model", keys_of(settings)};
  // The autoencoder itself is in the checkpoint, wherever its file may lie now.
  kind.may_change.insert({"steps", "prompts", "autoencoder"});
  return kind;
}

void describe_checkpoint(training::TrainState& state, const VideoDescription& description) {
  state.kind = video_kind().name;
  state.configuration = description.configuration;
  state.metadata["tokenizer"] = description.tokenizer;
  state.metadata["autoencoder"] = description.autoencoder_configuration;
}

VideoDescription description_of(const std::string& path, const std::map<std::string, std::string>& metadata) {
  const auto configuration = metadata.find("configuration");  // exports alone; a checkpoint has a field for it
  return {configuration == metadata.end() ? "" : configuration->second, entry(path, metadata, "autoencoder"),
          entry(path, metadata, "tokenizer")};
}

std::optional<models::VideoAutoencoder> build_autoencoder(const std::string& configuration,
                                                          const std::string& source) {
  if (configuration.empty()) return std::nullopt;
  Generator rng(0);
  return models::VideoAutoencoder(read_autoencoder(configuration, source).model, rng);
}

models::LatentVideo build_model(VideoRun& run, const std::optional<models::VideoAutoencoder>& autoencoder,
                                const data::Tokenizer& tokenizer, uint64_t seed) {
  complete(run, autoencoder ? &autoencoder->config() : nullptr, tokenizer);
  Generator rng(seed);
  return models::LatentVideo(run.model, autoencoder, rng);
}

TrainedVideo load_video(const std::string& path, bool averaged) {
  if (path.ends_with(export_suffix)) return load_export(path);
  RunReporter reporter;
  const training::LatestCheckpoint found = open_checkpoint(path, video_kind(), reporter);
  const training::TrainState& state = *found.state;
  VideoDescription description = description_of(found.path, state.metadata);
  description.configuration = state.configuration;
  return assemble(found.path, description, averaged && !state.ema.empty() ? state.ema : state.model, state.step);
}

void check_export_path(const std::string& path) {
  check<ConfigError>(path.ends_with(export_suffix), "an export is a ", export_suffix, " file; \"", path,
                     "\" is called otherwise");
  training::check_output_file(path);
}

int64_t export_video(const std::string& path, TrainedVideo& trained) {
  check_export_path(path);
  std::map<std::string, Tensor> tensors;
  for (const auto& [name, tensor] : nn::named_tensors(trained.model))
    tensors[name] = to(tensor.detach(), name.starts_with("dit.") ? DType::bf16 : DType::f32);
  safetensors::save(path, tensors, {{"format", exported_format},
                                    {"step", std::to_string(trained.step)},
                                    {"configuration", trained.description.configuration},
                                    {"autoencoder", trained.description.autoencoder_configuration},
                                    {"tokenizer", trained.description.tokenizer}});
  return int64_t(std::filesystem::file_size(path));
}

}  // namespace ditharos::examples
