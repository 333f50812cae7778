#include <ditharos/models/dit/presets.h>

#include <algorithm>
#include <span>

namespace ditharos::models {
namespace {

struct Size {
  const char* name;
  int64_t depth, hidden, heads, patch;
};
constexpr Size dit_sizes[] = {{"S/8", 12, 384, 6, 8},    {"S/4", 12, 384, 6, 4},    {"S/2", 12, 384, 6, 2},
                              {"B/8", 12, 768, 12, 8},   {"B/4", 12, 768, 12, 4},   {"B/2", 12, 768, 12, 2},
                              {"L/8", 24, 1024, 16, 8},  {"L/4", 24, 1024, 16, 4},  {"L/2", 24, 1024, 16, 2},
                              {"XL/8", 28, 1152, 16, 8}, {"XL/4", 28, 1152, 16, 4}, {"XL/2", 28, 1152, 16, 2}};
constexpr Size lightning_sizes[] = {
    {"B/2", 12, 768, 12, 2},     {"B/1", 12, 768, 12, 1},     {"L/2", 24, 1024, 16, 2},
    {"XL/2", 28, 1152, 16, 2},   {"XL/1", 28, 1152, 16, 1},   {"1p0B/2", 24, 1536, 24, 2},
    {"1p0B/1", 24, 1536, 24, 1}, {"1p6B/2", 28, 1792, 28, 2}, {"1p6B/1", 28, 1792, 28, 1}};

DiTConfig of_size(std::span<const Size> sizes, const std::string& name) {
  std::string known;
  for (const Size& size : sizes) {
    if (name == size.name)
      return {.patch = {1, size.patch, size.patch}, .hidden = size.hidden, .depth = size.depth, .heads = size.heads};
    known += (known.empty() ? "" : ", ") + std::string(size.name);
  }
  fail<ConfigError>("there is no model size '", name, "'; known are ", known);
}

std::vector<std::string> names_of(std::span<const Size> sizes) {
  std::vector<std::string> names;
  for (const Size& size : sizes) names.emplace_back(size.name);
  return names;
}

}  // namespace

DiTConfig dit_preset(const std::string& name) { return of_size(dit_sizes, name); }

std::vector<std::string> dit_preset_names() { return names_of(dit_sizes); }

DiTConfig latte_preset(const std::string& name) {
  DiTConfig config = of_size(dit_sizes, name);
  config.frames = 16;
  config.attention = AttentionLayout::factorised;
  config.classes = 0;
  return config;
}

DiTConfig lightning_dit_preset(const std::string& name) {
  DiTConfig config = of_size(lightning_sizes, name);
  config.channels = 32;
  config.height = config.width = config.patch.height == 1 ? 16 : 32;
  config.rotary = Rotary::spatial;
  config.rope_base = 10000;
  config.norm = Norm::rms;
  config.mlp = MlpKind::swiglu;
  config.learn_sigma = false;
  return config;
}

std::vector<std::string> lightning_dit_preset_names() { return names_of(lightning_sizes); }

DiTConfig as_diffusers(DiTConfig config) {
  config.downscale_freq_shift = 1;
  config.mlp_norm_eps = 1e-5;
  config.per_block_embedders = true;
  config.stored_positions = false;
  return config;
}

DiTConfig pixart_preset(const std::string& name) {
  const auto names = pixart_preset_names();
  const auto found = std::find(names.begin(), names.end(), name);
  check<ConfigError>(found != names.end(), "there is no PixArt model '", name, "'; known are XL/2, XL/2-512, ",
                     "XL/2-1024");
  DiTConfig config = of_size(dit_sizes, "XL/2");
  const int64_t scale = int64_t{1} << (found - names.begin());  // of the image's sides, in units of 256
  config.height = config.width = 32 * scale;
  config.position_scale = {.base_size = config.rows(), .interpolation_scale = scale == 4 ? 2. : 1.};
  config.stored_positions = false;
  config.variable_size = true;
  config.conditioning = Conditioning::ada_ln_single;
  config.classes = 0;
  config.caption_channels = 4096;
  config.size_conditions = scale == 4;
  return config;
}

std::vector<std::string> pixart_preset_names() { return {"XL/2", "XL/2-512", "XL/2-1024"}; }

DiTConfig sd3_preset(const std::string& name) {
  const bool medium3 = name == "3-medium", medium35 = name == "3.5-medium", large35 = name == "3.5-large";
  check<ConfigError>(medium3 || medium35 || large35, "there is no Stable Diffusion 3 model '", name,
                     "'; known are 3-medium, 3.5-medium, 3.5-large");
  const int64_t depth = large35 ? 38 : 24;  // as many heads, of size 64
  return {.height = 128,
          .width = 128,
          .channels = 16,
          .hidden = 64 * depth,
          .depth = depth,
          .heads = depth,
          .qk_norm = !medium3,
          .position_scale = {.base_size = 64, .max_size = medium35 ? 384 : 192},
          .variable_size = true,
          .conditioning = Conditioning::joint_streams,
          .classes = 0,
          .caption_channels = 4096,
          .pooled_projection_dim = 2048,
          .dual_attention_blocks = medium35 ? 13 : 0,
          .learn_sigma = false};
}

std::vector<std::string> sd3_preset_names() { return {"3-medium", "3.5-medium", "3.5-large"}; }

DiTConfig latte_text_preset() {
  DiTConfig config = pixart_preset("XL/2-512");
  config.frames = 16;
  config.depth = 56;
  config.attention = AttentionLayout::factorised;
  return config;
}

DiTConfig video_dit_preset() {
  return {.channels = 8,
          .patch_order = PatchOrder::channel_first,
          .hidden = 192,
          .depth = 8,
          .heads = 6,
          .positions = Positions::none,
          .rotary = Rotary::spacetime,
          .classes = 0,
          .learn_sigma = false};
}

}  // namespace ditharos::models
