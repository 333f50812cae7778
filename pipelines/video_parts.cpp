#include <ditharos/pipelines/video_parts.h>

#include <ditharos/nn/inference.h>
#include <ditharos/nn/state_dict.h>
#include <ditharos/pipelines/open_run.h>
#include <ditharos/pipelines/stored/stored_configuration.h>
#include <ditharos/training/run/model_size.h>

namespace ditharos::pipelines {
namespace {

const std::string& entry(const std::map<std::string, std::string>& metadata, const std::string& path,
                         const std::string& key) {
  const auto it = metadata.find(key);
  check<IoError>(it != metadata.end(), "\"", path, "\" does not hold the ", key, " of a video model");
  return it->second;
}

}  // namespace

VideoParts read_video_parts(const std::map<std::string, std::string>& metadata, const std::string& path) {
  VideoParts parts{data::Tokenizer::from_text(entry(metadata, path, "tokenizer")), std::nullopt,
                   entry(metadata, path, "autoencoder")};
  if (parts.autoencoder_description.empty()) return parts;
  parts.autoencoder = read_autoencoder(parts.autoencoder_description, path).model;
  parts.autoencoder->validate();
  return parts;
}

void describe_video_checkpoint(training::TrainState& state, const VideoParts& parts) {
  state.kind = video_checkpoint_kind;
  state.metadata["tokenizer"] = parts.tokenizer.to_text();
  state.metadata["autoencoder"] = parts.autoencoder_description;
}

models::DiTConfig fitted(models::DiTConfig config, const VideoParts& parts) {
  constexpr int64_t rgb = 3;
  config.channels = parts.autoencoder ? parts.autoencoder->sizes.latent_channels : rgb;
  config.text.vocabulary = parts.tokenizer.vocabulary();
  return config;
}

models::LatentDiT build_video_model(const models::DiTConfig& config, const VideoParts& parts, uint64_t seed,
                                    const models::Autoencoder* autoencoder) {
  Generator of_autoencoder(0), rng(seed);
  std::optional<models::Autoencoder> own;
  if (autoencoder) own.emplace(*autoencoder);
  else if (parts.autoencoder) own.emplace(*parts.autoencoder, of_autoencoder);
  return models::LatentDiT(fitted(config, parts), own, rng);
}

TrainedAutoencoder load_autoencoder(const std::string& path, const LoadOptions& options) {
  const training::LatestCheckpoint run = open_run(path, autoencoder_checkpoint_kind, "a video autoencoder", options);
  const models::AutoencoderConfig config = read_autoencoder(run.state->configuration, run.path).model;
  config.validate();
  const nn::NamedTensors& weights = weights_of(*run.state, options);
  training::check_model_size(run.path, weights, models::count_elements(config));
  Generator rng(0);
  models::Autoencoder model(config, rng);
  nn::load_state_dict(model, weights);
  nn::set_training(model, false);
  if (options.int8) nn::quantize(model);
  return {std::move(model), config, run.state->configuration, run.state->step, run.path};
}

}  // namespace ditharos::pipelines
