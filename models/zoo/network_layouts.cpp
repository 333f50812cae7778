#include <ditharos/models/autoencoder/kl_names.h>
#include <ditharos/models/dit/dit_names.h>
#include <ditharos/models/dit/text_names.h>
#include <ditharos/models/text/t5_names.h>
#include <ditharos/models/zoo/network.h>

namespace ditharos::models {
namespace {

/// Whether diffusers' DiTTransformer2DModel has all parts of the model.
bool is_diffusers_dit(const DiTConfig& c) {
  return c.condition() == Condition::label && c.conditioning == Conditioning::ada_ln_zero && c.frames == 1 &&
         c.modulation_shift && c.rotary == Rotary::none && c.norm == Norm::layer && c.mlp == MlpKind::gelu_tanh &&
         !c.qk_norm && c.positions == Positions::sin_cos;
}

std::map<Layout, LayoutNames> transformer_names(const DiTConfig& config) {
  std::map<Layout, LayoutNames> layouts{{Layout::ditharos, {{nn::NameMap()}, {}}}};
  if (config.conditioning == Conditioning::joint_streams) {
    layouts[Layout::diffusers] = {{sd3_names(config)}, {}};
  } else if (config.conditioning == Conditioning::ada_ln_single) {
    const bool clips = config.frames > 1;
    layouts[Layout::diffusers] = {{clips ? latte_text_names(config) : pixart_names()}, {"pos_embed", "temp_embed"}};
  } else {
    if (!config.per_block_embedders) layouts[Layout::official] = {{official_dit_names()}, {}};
    if (is_diffusers_dit(config)) layouts[Layout::diffusers] = {{diffusers_dit_names(config)}, {"pos_embed"}};
  }
  return layouts;
}

}  // namespace

std::map<Layout, LayoutNames> layout_names(const RecognizedModel& description) {
  if (const auto* config = std::get_if<DiTConfig>(&description.config)) return transformer_names(*config);
  if (const auto* config = std::get_if<AutoencoderKLConfig>(&description.config))
    return {{Layout::ditharos, {{nn::NameMap()}, {}}},
            {Layout::diffusers, {{kl_names(), kl_names_before_0_18()}, {}}},
            {Layout::official, {{kl_names_compvis(*config)}, {}}}};
  return {{Layout::ditharos, {{nn::NameMap()}, {}}}, {Layout::official, {t5_names(), {}}}};
}

}  // namespace ditharos::models
