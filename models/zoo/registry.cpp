#include <ditharos/models/zoo/registry.h>

#include <algorithm>

#include <ditharos/models/dit/cost.h>
#include <ditharos/models/dit/presets.h>
#include <ditharos/tensor/error.h>

namespace ditharos::models {
namespace {

const char* const dit_code = "facebookresearch/DiT; diffusers' DiTTransformer2DModel";
const char* const composition = "a composition from the paper in PyTorch";

class Registry {
 public:
  void add(const std::string& name, ModelFamily family, const ModelConfig& config, const std::string& checked) {
    models_.push_back({name, family, config, checked});
  }
  std::vector<ZooModel> take() { return std::move(models_); }

 private:
  std::vector<ZooModel> models_;
};

void add_dit(Registry& registry) {
  for (const std::string& size : dit_preset_names())
    registry.add("DiT-" + size, ModelFamily::dit, dit_preset(size), dit_code);
  const std::string largest = "DiT-XL/2";
  DiTConfig config = dit_preset("XL/2");
  config.height = config.width = 64;
  registry.add(largest + "-512", ModelFamily::dit, config, dit_code);
  for (const auto& [name, conditioning] :
       {std::pair{"-in-context", Conditioning::in_context},
        std::pair{"-cross-attention", Conditioning::cross_attention}, std::pair{"-adaLN", Conditioning::ada_ln}}) {
    config = dit_preset("XL/2");
    config.conditioning = conditioning;
    registry.add(largest + name, ModelFamily::dit, config, composition);
  }
  for (const std::string& size : dit_preset_names())
    registry.add("SiT-" + size, ModelFamily::sit, dit_preset(size), "willisma/SiT");
}

void add_latte(Registry& registry) {
  for (const std::string& size : dit_preset_names())
    registry.add("Latte-" + size, ModelFamily::latte, latte_preset(size), "Vchitect/Latte");
  DiTConfig config = latte_preset("XL/2");
  config.classes = 101;
  registry.add("Latte-XL/2-UCF101", ModelFamily::latte, config, "Vchitect/Latte");
  for (const auto& [name, layout] :
       {std::pair{"-late-fusion", AttentionLayout::late_fusion}, std::pair{"-sequential", AttentionLayout::sequential},
        std::pair{"-split-heads", AttentionLayout::split_heads}, std::pair{"-joint", AttentionLayout::joint}}) {
    config = latte_preset("XL/2");
    config.attention = layout;
    registry.add(std::string("Latte-XL/2") + name, ModelFamily::latte, config, composition);
  }
}

void add_lightning_dit(Registry& registry) {
  for (const std::string& size : lightning_dit_preset_names())
    registry.add("LightningDiT-" + size, ModelFamily::lightning_dit, lightning_dit_preset(size), "hustvl/LightningDiT");
}

void add_text_transformers(Registry& registry) {
  for (const std::string& size : pixart_preset_names())
    registry.add("PixArt-" + size, ModelFamily::pixart, pixart_preset(size), "diffusers' PixArtTransformer2DModel");
  registry.add("Latte-1", ModelFamily::latte, latte_text_preset(), "diffusers' LatteTransformer3DModel");
  for (const std::string& size : sd3_preset_names())
    registry.add("SD" + size, ModelFamily::sd3, sd3_preset(size), "diffusers' SD3Transformer2DModel");
}

void add_autoencoders(Registry& registry) {
  registry.add("AutoencoderKL-f8", ModelFamily::autoencoder_kl, AutoencoderKLConfig{}, "diffusers' AutoencoderKL");
  AutoencoderKLConfig config;
  config.latent_channels = 16;
  config.use_quant_conv = config.use_post_quant_conv = false;
  config.scaling_factor = 1.5305;
  config.shift_factor = .0609;
  registry.add("AutoencoderKL-SD3", ModelFamily::autoencoder_kl, config, "diffusers' AutoencoderKL");
}

void add_text_encoders(Registry& registry) {
  for (std::string name : t5_preset_names()) {
    const T5Config config = t5_preset(name);
    name[0] = 'T';
    registry.add(name, ModelFamily::t5, config, "transformers' T5EncoderModel");
  }
}

/// What has no influence on the tensors of a transformer is set to a default.
ModelConfig compared(ModelConfig config) {
  if (auto* dit = std::get_if<DiTConfig>(&config)) {
    dit->class_dropout = 0;
    dit->mlp_norm_eps = dit->norm_eps;
    dit->downscale_freq_shift = 0;
    dit->per_block_embedders = dit->variable_size = false;
    dit->stored_positions = true;
    dit->position_scale = {};
  }
  if (auto* kl = std::get_if<AutoencoderKLConfig>(&config)) kl->scaling_factor = 1, kl->shift_factor = 0;
  return config;
}

}  // namespace

const std::vector<ZooModel>& zoo_models() {
  static const std::vector<ZooModel> models = [] {
    Registry registry;
    add_dit(registry);
    add_latte(registry);
    add_lightning_dit(registry);
    add_text_transformers(registry);
    add_autoencoders(registry);
    add_text_encoders(registry);
    return registry.take();
  }();
  return models;
}

const ZooModel* find_zoo_model(const std::string& name) {
  for (const ZooModel& model : zoo_models()) {
    if (model.name == name) return &model;
  }
  return nullptr;
}

const ZooModel& zoo_model(const std::string& name) {
  if (const ZooModel* model = find_zoo_model(name)) return *model;
  // Those of the family, or all families if there is none of that name.
  const std::string family = name.substr(0, name.find_first_of("-/"));
  std::string models, families;
  for (const ModelFamily known : model_families()) families += (families.empty() ? "" : ", ") + to_text(known);
  for (const ZooModel& model : zoo_models()) {
    if (to_text(model.family) == family) models += (models.empty() ? "" : ", ") + model.name;
  }
  check<ConfigError>(!models.empty(), "there is no model '", name, "' in the zoo; its families are ", families);
  fail<ConfigError>("there is no model '", name, "' in the zoo; known are ", models);
}

std::string zoo_name(ModelFamily family, const ModelConfig& config) {
  for (const ZooModel& model : zoo_models()) {
    if (model.family == family && compared(model.config) == compared(config)) return model.name;
  }
  return "";
}

}  // namespace ditharos::models
