#include <ditharos/models/autoencoder/autoencoder.h>

#include <type_traits>

namespace ditharos::models {
namespace {

std::variant<VideoAutoencoder, AutoencoderKL> build(const AutoencoderConfig& config, Generator& rng) {
  config.validate();
  if (config.kind == AutoencoderKind::kl) return AutoencoderKL(config.kl(), rng);
  return VideoAutoencoder(config.sizes, rng);
}

/// Frames of every `model` but the video autoencoder stand for themselves.
int64_t time_stride_of(const VideoAutoencoder& model) { return model.config().time_stride; }
int64_t time_stride_of(const AutoencoderKL&) { return 1; }

int64_t channels_of(const VideoAutoencoder& model) { return model.config().channels; }
int64_t channels_of(const AutoencoderKL& model) { return model.config().in_channels; }

}  // namespace

AutoencoderKLConfig AutoencoderConfig::kl() const {
  AutoencoderKLConfig config{.in_channels = sizes.channels,
                             .out_channels = sizes.channels,
                             .latent_channels = sizes.latent_channels,
                             .block_out_channels = {},
                             .layers_per_block = sizes.blocks,
                             .norm_num_groups = sizes.groups,
                             .scaling_factor = 1,
                             .latent_statistics = true};
  for (int64_t i = 0; i <= sizes.stages; ++i) config.block_out_channels.push_back(sizes.width_at(i));
  return config;
}

void AutoencoderConfig::validate() const {
  sizes.validate();
  if (kind != AutoencoderKind::kl) return;
  check<ConfigError>(sizes.time_stride == 1, "an autoencoder of kind \"kl\" encodes frames one by one; its ",
                     "time_stride must be 1, got ", sizes.time_stride);
  kl().validate();
}

Shape AutoencoderConfig::latent_shape(const Shape& clips) const {
  return kind == AutoencoderKind::kl ? kl().latent_shape(clips) : sizes.latent_shape(clips);
}

int64_t count_elements(const AutoencoderConfig& config) {
  config.validate();
  return config.kind == AutoencoderKind::kl ? count_elements(config.kl()) : count_elements(config.sizes);
}

Autoencoder::Autoencoder(const AutoencoderConfig& config, Generator& rng) : model_(build(config, rng)) {}

LatentDistribution Autoencoder::encode(const Tensor& clips) const {
  return std::visit([&](const auto& model) { return model.encode(clips); }, model_);
}

Tensor Autoencoder::decode(const Tensor& latents) const {
  return std::visit([&](const auto& model) { return model.decode(latents); }, model_);
}

Tensor Autoencoder::to_latents(const Tensor& clips) const {
  return std::visit([&](const auto& model) { return model.to_latents(clips); }, model_);
}

Tensor Autoencoder::from_latents(const Tensor& latents) const {
  return std::visit([&](const auto& model) { return model.from_latents(latents); }, model_);
}

void Autoencoder::set_latent_statistics(const Tensor& mean, const Tensor& standard_deviation) {
  std::visit([&](auto& model) { model.set_latent_statistics(mean, standard_deviation); }, model_);
}

int64_t Autoencoder::channels() const {
  return std::visit([](const auto& model) { return channels_of(model); }, model_);
}

int64_t Autoencoder::latent_channels() const {
  return std::visit([](const auto& model) { return model.config().latent_channels; }, model_);
}

int64_t Autoencoder::stride() const {
  return std::visit([](const auto& model) { return model.config().stride(); }, model_);
}

int64_t Autoencoder::time_stride() const {
  return std::visit([](const auto& model) { return time_stride_of(model); }, model_);
}

Shape Autoencoder::latent_shape(const Shape& clips) const {
  return std::visit([&](const auto& model) { return model.config().latent_shape(clips); }, model_);
}

void Autoencoder::visit(nn::Visitor& v) {
  std::visit([&](auto& model) { model.visit(v); }, model_);
}

}  // namespace ditharos::models
