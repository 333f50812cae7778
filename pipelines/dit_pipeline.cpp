#include <ditharos/pipelines/dit_pipeline.h>

#include <utility>
#include <variant>
#include <vector>

#include <ditharos/autograd/ops.h>
#include <ditharos/models/samplers/sampler.h>
#include <ditharos/nn/inference.h>
#include <ditharos/tensor/io/weights_file.h>

namespace ditharos::pipelines {
namespace {

using models::ModelFamily;

/// ConfigError, with the reason, unless the model samples images from classes alone.
const models::DiTConfig& checked_transformer(const models::RecognizedModel& model) {
  const std::string family = to_text(model.family);
  const auto* config = std::get_if<models::DiTConfig>(&model.config);
  check<ConfigError>(config != nullptr, "the weights of the transformer are those of a ", family,
                     ", which is no diffusion model: give those of a DiT or SiT");
  const bool texts =
      config->condition() == models::Condition::text || config->condition() == models::Condition::text_embedding;
  check<ConfigError>(!texts, "a ", family,
                     " with texts needs the features of a text encoder, and images are sampled "
                     "from classes alone: give a DiT or SiT");
  check<ConfigError>(model.family != ModelFamily::latte, "a Latte samples clips, not images: give a DiT or SiT");
  check<ConfigError>(model.family == ModelFamily::dit || model.family == ModelFamily::sit, "the latents of a ", family,
                     " are normalised by statistics that its weights do not have: give a DiT or SiT");
  return *config;
}

void check_autoencoder(const models::DiTConfig& transformer, const std::optional<models::PublishedModel>& autoencoder) {
  if (!autoencoder) {
    check<ConfigError>(transformer.channels == 1 || transformer.channels == 3, "the ", transformer.channels,
                       " channels of the transformer are latents: give the weights of their AutoencoderKL");
    return;
  }
  const models::RecognizedModel& model = autoencoder->description();
  const auto* config = std::get_if<models::AutoencoderKLConfig>(&model.config);
  check<ConfigError>(config != nullptr, "the weights of the autoencoder are those of a ", to_text(model.family),
                     ", not of an AutoencoderKL");
  check<ConfigError>(config->latent_channels == transformer.channels, "the transformer samples latents of ",
                     transformer.channels, " channels, and those of the autoencoder have ", config->latent_channels);
  check<ConfigError>(config->out_channels == 1 || config->out_channels == 3, "the autoencoder decodes images of ",
                     config->out_channels, " channels; they need 1 or 3");
}

models::PublishedModel load_model(const std::string& path, const models::RecognitionHints& hints) {
  const Weights weights = load_weights(path);
  try {
    auto model = models::PublishedModel::from_tensors(weights.tensors, hints);
    nn::set_training(model.module(), false);
    return model;
  } catch (const Error& e) {
    fail<ConfigError>("cannot use ", path, ": ", e.what());
  }
}

}  // namespace

models::DiffusionConfig published_process(const models::RecognizedModel& model) {
  const models::DiTConfig& config = checked_transformer(model);
  models::DiffusionConfig process;
  if (model.family == ModelFamily::sit) return process;  // the linear path, velocity, times as they are
  process.kind = models::ProcessKind::gaussian;
  if (!config.learn_sigma) process.gaussian.variance = models::Variance::fixed_large;
  return process;
}

models::SamplerConfig published_sampler(const models::RecognizedModel& model) {
  const models::DiTConfig& config = checked_transformer(model);
  models::SamplerConfig sampler{
      .kind = model.family == ModelFamily::sit ? models::SamplerKind::dopri5 : models::SamplerKind::ddpm, .steps = 250};
  if (config.classes > 0) sampler.guidance.scale = 4;
  return sampler;
}

DiTPipeline::DiTPipeline(models::PublishedModel transformer, std::optional<models::PublishedModel> autoencoder)
    : transformer_(std::move(transformer)), autoencoder_(std::move(autoencoder)),
      process_(published_process(transformer_.description())), sampler_(published_sampler(transformer_.description())) {
  check_autoencoder(this->transformer().config(), autoencoder_);
}

DiTPipeline DiTPipeline::from_weights(const DiTFiles& files) {
  models::PublishedModel transformer = load_model(files.transformer, files.transformer_hints);
  static_cast<void>(published_process(transformer.description()));  // before more is read
  if (files.autoencoder.empty()) return DiTPipeline(std::move(transformer));
  return DiTPipeline(std::move(transformer), load_model(files.autoencoder, files.autoencoder_hints));
}

const models::DiT& DiTPipeline::transformer() const { return dynamic_cast<const models::DiT&>(transformer_.module()); }

const models::AutoencoderKL* DiTPipeline::autoencoder() const {
  return autoencoder_ ? &dynamic_cast<const models::AutoencoderKL&>(autoencoder_->module()) : nullptr;
}

void DiTPipeline::set_sampler(const models::SamplerConfig& sampler) {
  models::check_sampler(process_, sampler);
  check<ConfigError>(sampler.guidance.scale == 1 || transformer().config().classes > 0,
                     "guidance = ", sampler.guidance.scale, " needs classes, and the model has none");
  sampler_ = sampler;
}

Tensor DiTPipeline::latents(const ImageRequest& request, const std::function<void(double)>& progress) const {
  constexpr int64_t batch = 16;  // a batch of released size is large
  return sample_images(transformer(), process_, sampler_, request, progress, batch);
}

Tensor DiTPipeline::decode(const Tensor& latents) const {
  const models::AutoencoderKL* model = autoencoder();
  if (model == nullptr) return latents;
  const nn::InferenceMode inference;
  std::vector<Tensor> images;
  for (int64_t i = 0; i < latents.size(0); ++i) images.push_back(model->from_latents(slice(latents, 0, i, i + 1)));
  return cat(images, 0);
}

}  // namespace ditharos::pipelines
