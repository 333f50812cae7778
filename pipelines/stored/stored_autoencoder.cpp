#include <ditharos/pipelines/stored/stored_autoencoder.h>

#include <filesystem>
#include <variant>

#include <ditharos/models/zoo/published_model.h>
#include <ditharos/nn/inference.h>
#include <ditharos/nn/state_dict.h>
#include <ditharos/pipelines/stored/stored_configuration.h>
#include <ditharos/pipelines/video_parts.h>
#include <ditharos/tensor/io/number_text.h>
#include <ditharos/tensor/io/weights_file.h>

namespace ditharos::pipelines {
namespace {

namespace fs = std::filesystem;

constexpr const char* diffusers_weights = "diffusion_pytorch_model.safetensors";

/// The settings under diffusers' names, with every bit of the two factors.
std::string describe(const models::AutoencoderKLConfig& c) {
  std::string widths;
  for (const int64_t width : c.block_out_channels) widths += (widths.empty() ? "" : ", ") + std::to_string(width);
  const auto flag = [](bool on) { return std::string(on ? "true" : "false"); };
  return "{\"_class_name\": \"AutoencoderKL\", \"in_channels\": " + std::to_string(c.in_channels) +
         ", \"out_channels\": " + std::to_string(c.out_channels) +
         ", \"latent_channels\": " + std::to_string(c.latent_channels) + ", \"block_out_channels\": [" + widths +
         "], \"layers_per_block\": " + std::to_string(c.layers_per_block) +
         ", \"norm_num_groups\": " + std::to_string(c.norm_num_groups) +
         ", \"mid_block_add_attention\": " + flag(c.mid_block_add_attention) +
         ", \"use_quant_conv\": " + flag(c.use_quant_conv) +
         ", \"use_post_quant_conv\": " + flag(c.use_post_quant_conv) +
         ", \"scaling_factor\": " + shortest(c.scaling_factor) + ", \"shift_factor\": " + shortest(c.shift_factor) +
         "}";
}

LoadedAutoencoder load_published(const std::string& path) {
  models::RecognitionHints hints;
  const fs::path config = fs::path(path).parent_path() / "config.json";
  std::error_code missing;
  if (fs::exists(config, missing)) {
    models::JsonObject settings = models::JsonObject::load(config.string());
    // Other programs name their files config.json, too.
    if (settings.text("_class_name") == "AutoencoderKL") hints.config = std::move(settings);
  }
  const Weights weights = load_weights(path);
  try {
    const auto model = models::PublishedModel::from_tensors(weights.tensors, hints);
    const auto* kl = dynamic_cast<const models::AutoencoderKL*>(&model.module());
    check<ConfigError>(kl != nullptr, "its weights are those of a ", to_text(model.description().family),
                       ", not of an AutoencoderKL");
    models::Autoencoder autoencoder(nn::clone(*kl));
    nn::set_training(autoencoder, false);
    return {std::move(autoencoder), describe(kl->config()), path};
  } catch (const Error& e) {
    fail<ConfigError>("cannot use ", path, " as an autoencoder: ", e.what());
  }
}

}  // namespace

int64_t AutoencoderArchitecture::elements() const {
  return is_published ? models::count_elements(published) : models::count_elements(trained);
}

models::Autoencoder AutoencoderArchitecture::build() const {
  Generator rng(0);
  if (is_published) return models::AutoencoderKL(published, rng);
  return {trained, rng};
}

void AutoencoderArchitecture::validate() const {
  if (is_published) published.validate();
  else trained.validate();
}

AutoencoderArchitecture read_autoencoder_architecture(const std::string& description, const std::string& path) {
  AutoencoderArchitecture result;
  if (!description.starts_with("{")) {
    result.trained = read_autoencoder(description, path).model;
    result.validate();
    return result;
  }
  const auto settings = models::JsonObject::parse(description, path);
  models::AutoencoderKLConfig& c = result.published;
  result.is_published = true;
  c.in_channels = settings.integer("in_channels").value_or(c.in_channels);
  c.out_channels = settings.integer("out_channels").value_or(c.out_channels);
  c.latent_channels = settings.integer("latent_channels").value_or(c.latent_channels);
  c.block_out_channels = settings.integers("block_out_channels").value_or(c.block_out_channels);
  c.layers_per_block = settings.integer("layers_per_block").value_or(c.layers_per_block);
  c.norm_num_groups = settings.integer("norm_num_groups").value_or(c.norm_num_groups);
  c.mid_block_add_attention = settings.flag("mid_block_add_attention").value_or(c.mid_block_add_attention);
  c.use_quant_conv = settings.flag("use_quant_conv").value_or(c.use_quant_conv);
  c.use_post_quant_conv = settings.flag("use_post_quant_conv").value_or(c.use_post_quant_conv);
  c.scaling_factor = settings.number("scaling_factor").value_or(c.scaling_factor);
  c.shift_factor = settings.number("shift_factor").value_or(c.shift_factor);
  result.validate();
  return result;
}

LoadedAutoencoder load_image_autoencoder(const std::string& path, const LoadOptions& options) {
  std::error_code missing;
  if (fs::exists(fs::path(path) / diffusers_weights, missing))
    return load_published((fs::path(path) / diffusers_weights).string());
  if (fs::is_regular_file(path, missing) && !path.ends_with(".ckpt")) return load_published(path);
  TrainedAutoencoder trained = load_autoencoder(path, options);
  return {std::move(trained.model), trained.description, trained.path};
}

}  // namespace ditharos::pipelines
