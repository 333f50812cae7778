#include <ditharos/models/dit/config.h>

#include <cmath>

#include <ditharos/models/dit/coordinates.h>
#include <ditharos/models/dit/prompt_embedder.h>
#include <ditharos/tensor/checked.h>
#include <ditharos/tensor/factory.h>

namespace ditharos::models {
namespace {

/// Far above any real model. Below these limits the number of a block's parameters cannot overflow.
constexpr int64_t largest = 1 << 16, most_classes = 1 << 24;

struct Preset {
  const char* name;
  int64_t depth, hidden, heads;
};
constexpr Preset presets[] = {{"S", 12, 384, 6}, {"B", 12, 768, 12}, {"L", 24, 1024, 16}, {"XL", 28, 1152, 16}};
constexpr int64_t preset_patches[] = {8, 4, 2};

std::string preset_name(const Preset& preset, int64_t patch) { return preset.name + ("/" + std::to_string(patch)); }

void check_size(const char* name, int64_t value) {
  check<ConfigError>(value >= 1 && value <= largest, name, " must be between 1 and ", largest, ", got ", value);
}

void check_positions(const DiTConfig& c) {
  switch (c.positions) {
    case Positions::sin_cos:
      check_size("height", c.height);
      check_size("width", c.width);
      check<ConfigError>(c.height % c.patch.height == 0 && c.width % c.patch.width == 0, "an image of height ",
                         c.height, " and width ", c.width, " cannot be cut into patches of ", c.patch.height, "x",
                         c.patch.width, ": they must divide it");
      check<ConfigError>(c.patch.frames == 1, "sin_cos positions are those of images, whose patches have one frame; ",
                         "got patches of ", c.patch.frames);
      check<ConfigError>(c.hidden % 4 == 0, "hidden must be divisible by 4 (sine and cosine of row and column), got ",
                         c.hidden);
      return;
    case Positions::rotary:
      check<ConfigError>(c.head_size() % 2 == 0 && c.head_size() >= 6, "hidden / heads, the size of a head, must be ",
                         "even and at least 6 (a rotation for each of frame, row and column), got ", c.head_size());
      check<ConfigError>(std::isfinite(c.rope_base) && c.rope_base > 1, "rope_base must be above 1, got ", c.rope_base);
      return;
    case Positions::none: return;
  }
}

}  // namespace

Condition DiTConfig::condition() const {
  if (text.vocabulary > 0) return Condition::prompt;
  return classes > 0 ? Condition::label : Condition::none;
}

Tensor DiTConfig::null_condition() const { return scalar(double(null_label()), DType::i64); }

void DiTConfig::validate() const {
  check_size("channels", channels);
  check_size("a patch's number of frames", patch.frames);
  check_size("a patch's height", patch.height);
  check_size("a patch's width", patch.width);
  static_cast<void>(checked_product<ConfigError>("DiT", {2, channels, patch.frames, patch.height, patch.width}));
  check_size("hidden", hidden);
  check_size("depth", depth);
  check_size("heads", heads);
  check<ConfigError>(hidden % heads == 0, "the width hidden = ", hidden, " is not divisible by heads = ", heads);
  check<ConfigError>(mlp_ratio > 0 && mlp_ratio <= 1024 && mlp_hidden() >= 1, "mlp_ratio = ", mlp_ratio,
                     " gives no usable MLP width; 4 is usual");
  check_positions(*this);
  check<ConfigError>(frequency_bands >= 0 && frequency_bands <= 16, "frequency_bands must be between 0 (none) and ",
                     "16, got ", frequency_bands);
  check<ConfigError>(step_bits >= 1 && step_bits <= 30, "step_bits must be between 1 and 30, got ", step_bits);
  check<ConfigError>(classes >= 0 && classes <= most_classes, "classes must be between 0 (no labels) and ",
                     most_classes, ", got ", classes);
  check<ConfigError>(class_dropout >= 0 && class_dropout < 1, "class_dropout must be in [0, 1), got ", class_dropout);
  check<ConfigError>(text.vocabulary >= 0, "the text encoder's vocabulary must be 0 (no text) or more, got ",
                     text.vocabulary);
  check<ConfigError>(text.vocabulary == 0 || classes == 0, "a model takes labels or prompts, not both: it has ",
                     classes, " classes and a vocabulary of ", text.vocabulary);
  if (condition() == Condition::prompt) text.validate();
}

DiTConfig dit_preset(const std::string& name) {
  std::string known;
  for (const Preset& preset : presets) {
    for (const int64_t patch : preset_patches) {
      if (name == preset_name(preset, patch)) {
        return {.patch = {1, patch, patch}, .hidden = preset.hidden, .depth = preset.depth, .heads = preset.heads};
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

DiTConfig video_dit_preset() {
  return {.channels = 8, .patch_order = PatchOrder::channel_first, .hidden = 192, .depth = 8, .heads = 6,
          .positions = Positions::rotary, .classes = 0, .learn_sigma = false};
}

DiTCounts count_parameters(const DiTConfig& config) {
  config.validate();
  const auto linear = [](int64_t in, int64_t out) { return checked_product<ConfigError>("DiT", {in + 1, out}); };
  const int64_t d = config.hidden, w = config.text.width;
  const int64_t mlp = linear(d, config.mlp_hidden()) + linear(config.mlp_hidden(), d);
  int64_t block = linear(d, 3 * d) + linear(d, d) + mlp + linear(d, 6 * d), condition = 0;
  if (config.qk_norm) block += 2 * config.head_size();
  switch (config.condition()) {
    case Condition::none: break;
    case Condition::label: condition = (config.classes + 1) * d; break;
    case Condition::prompt:
      block += 2 * d + linear(d, d) + linear(w, 2 * d) + linear(d, d);  // norm, q, k and v, projection
      condition = count_parameters(config.text) + count_prompt_embedder(w, config.frequency_bands, d);
  }
  const bool sinusoidal = config.step_embedding == StepEmbedding::sinusoidal;
  const int64_t time = sinusoidal ? linear(256, d) + linear(d, d) : linear(config.step_bits, d);
  const int64_t coordinates =
      config.frequency_bands > 0 ? linear(coordinate_width(config.frequency_bands), d) : 0;

  DiTCounts counts;
  counts.trainable = checked_sum<ConfigError>(
      "DiT", {linear(config.patch_volume(), d), coordinates, time, condition, config.depth * block,
              linear(d, config.out_volume()), linear(d, 2 * d)});
  const int64_t table = config.positions == Positions::sin_cos ? config.tokens() * d : 0;
  counts.total = checked_sum<ConfigError>("DiT", {counts.trainable, table});
  return counts;
}

}  // namespace ditharos::models
