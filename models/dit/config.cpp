#include <ditharos/models/dit/config.h>

#include <ditharos/tensor/checked.h>
#include <ditharos/tensor/factory.h>

namespace ditharos::models {
namespace {

/// No real model comes near these, and the parameters of a block cannot overflow below them.
constexpr int64_t largest = 1 << 16, most_classes = 1 << 24;

struct Preset {
  const char* name;
  int64_t depth, hidden, heads;
};
constexpr Preset presets[] = {{"S", 12, 384, 6}, {"B", 12, 768, 12}, {"L", 24, 1024, 16}, {"XL", 28, 1152, 16}};
constexpr int64_t preset_patches[] = {8, 4, 2};

std::string preset_name(const Preset& preset, int64_t patch) { return preset.name + ("/" + std::to_string(patch)); }

}  // namespace

Tensor DiTConfig::null_condition() const { return scalar(double(null_label()), DType::i64); }

void DiTConfig::validate() const {
  const auto check_size = [](const char* name, int64_t value) {
    check<ConfigError>(value >= 1 && value <= largest, name, " must be between 1 and ", largest, ", got ", value);
  };
  check_size("height", height);
  check_size("width", width);
  check_size("channels", channels);
  check_size("patch", patch);
  check_size("hidden", hidden);
  check_size("depth", depth);
  check_size("heads", heads);
  check<ConfigError>(height % patch == 0 && width % patch == 0, "a picture of height ", height, " and width ", width,
                     " cannot be cut into patches of side ", patch, ": it must divide both");
  check<ConfigError>(hidden % heads == 0, "the width hidden = ", hidden, " is not divisible by heads = ", heads);
  check<ConfigError>(hidden % 4 == 0, "hidden must be divisible by 4 (sine and cosine of row and column), got ",
                     hidden);
  check<ConfigError>(mlp_ratio > 0 && mlp_ratio <= 1024 && mlp_hidden() >= 1, "mlp_ratio = ", mlp_ratio,
                     " gives no usable MLP width; 4 is usual");
  check<ConfigError>(classes >= 0 && classes <= most_classes, "classes must be between 0 (unconditional) and ",
                     most_classes, ", got ", classes);
  check<ConfigError>(class_dropout >= 0 && class_dropout < 1, "class_dropout must be in [0, 1), got ", class_dropout);
}

DiTConfig dit_preset(const std::string& name) {
  std::string known;
  for (const Preset& preset : presets) {
    for (const int64_t patch : preset_patches) {
      if (name == preset_name(preset, patch)) {
        return {.patch = patch, .hidden = preset.hidden, .depth = preset.depth, .heads = preset.heads};
      }
      known += (known.empty() ? "" : ", ") + preset_name(preset, patch);
    }
  }
  fail<ConfigError>("there is no model size '", name, "'; known are ", known);
}

std::vector<std::string> dit_preset_names() {
  std::vector<std::string> names;
  for (const Preset& preset : presets) {
    for (const int64_t patch : preset_patches) names.push_back(preset_name(preset, patch));
  }
  return names;
}

DiTCounts count_parameters(const DiTConfig& config) {
  config.validate();
  const int64_t d = config.hidden, patch_area = config.patch * config.patch;
  const auto linear = [](int64_t in, int64_t out) { return checked_product<ConfigError>("DiT", {in + 1, out}); };
  const int64_t mlp = linear(d, config.mlp_hidden()) + linear(config.mlp_hidden(), d);
  const int64_t block = linear(d, 3 * d) + linear(d, d) + mlp + linear(d, 6 * d);
  const int64_t final_layer = linear(d, patch_area * config.out_channels()) + linear(d, 2 * d);
  const int64_t time = linear(256, d) + linear(d, d);
  const int64_t labels = config.classes > 0 ? (config.classes + 1) * d : 0;

  DiTCounts counts;
  counts.trainable = checked_sum<ConfigError>(
      "DiT", {linear(patch_area * config.channels, d), time, labels, config.depth * block, final_layer});
  counts.total = checked_sum<ConfigError>("DiT", {counts.trainable, config.tokens() * d});
  return counts;
}

}  // namespace ditharos::models
