#include <ditharos/models/dit/video_config.h>

#include <cmath>

#include <ditharos/models/dit/coordinates.h>
#include <ditharos/models/dit/prompt_embedder.h>
#include <ditharos/models/dit/rotary.h>
#include <ditharos/tensor/checked.h>

namespace ditharos::models {
namespace {

/// No real model comes near this, and the parameters of a block cannot overflow below it.
constexpr int64_t largest = 1 << 16;

}  // namespace

void VideoDiTConfig::validate() const {
  const auto check_size = [](const char* name, int64_t value) {
    check<ConfigError>(value >= 1 && value <= largest, name, " must be between 1 and ", largest, ", got ", value);
  };
  check_size("channels", channels);
  check_size("a patch's number of frames", patch.frames);
  check_size("a patch's height", patch.height);
  check_size("a patch's width", patch.width);
  static_cast<void>(checked_product<ConfigError>("VideoDiT", {channels, patch.frames, patch.height, patch.width}));
  check_size("hidden", hidden);
  check_size("depth", depth);
  check_size("heads", heads);
  check<ConfigError>(hidden % heads == 0, "the width hidden = ", hidden, " is not divisible by heads = ", heads);
  check<ConfigError>(head_size() % 2 == 0 && head_size() >= 6, "hidden / heads, the size of a head, must be even and ",
                     "at least 6 (a rotation for each of frame, row and column), got ", head_size());
  check<ConfigError>(mlp_ratio > 0 && mlp_ratio <= 1024 && mlp_hidden() >= 1, "mlp_ratio = ", mlp_ratio,
                     " gives no usable MLP width; 4 is usual");
  check<ConfigError>(step_bits >= 1 && step_bits <= 30, "step_bits must be between 1 and 30, got ", step_bits);
  check<ConfigError>(std::isfinite(rope_base) && rope_base > 1, "rope_base must be above 1, got ", rope_base);
  check<ConfigError>(coordinate_octaves >= 0 && coordinate_octaves <= 16, "coordinate_octaves must be between 0 ",
                     "(none) and 16, got ", coordinate_octaves);
  check<ConfigError>(text.vocabulary >= 0, "the text encoder's vocabulary must be 0 (no text) or more, got ",
                     text.vocabulary);
  if (has_text()) text.validate();
}

int64_t count_parameters(const VideoDiTConfig& config) {
  config.validate();
  const auto linear = [](int64_t in, int64_t out) { return checked_product<ConfigError>("VideoDiT", {in + 1, out}); };
  const int64_t d = config.hidden, w = config.text.width;
  const int64_t mlp = linear(d, config.mlp_hidden()) + linear(config.mlp_hidden(), d);
  int64_t block = linear(d, 3 * d) + linear(d, d) + mlp + linear(d, 6 * d), text = 0;
  if (config.qk_norm) block += 2 * config.head_size();
  if (config.has_text()) {
    block += 2 * d + linear(d, d) + linear(w, 2 * d) + linear(d, d);  // norm, q, k and v, projection
    text = count_parameters(config.text) + count_prompt_embedder(w, config.coordinate_octaves, d);
  }
  const bool sinusoidal = config.step_embedding == StepEmbedding::sinusoidal;
  const int64_t time = sinusoidal ? linear(256, d) + linear(d, d) : linear(config.step_bits, d);
  const int64_t ends = checked_sum<ConfigError>(
      "VideoDiT", {linear(config.patch_volume(), d), linear(d, config.patch_volume()), linear(d, 2 * d)});
  const int64_t place =
      config.coordinate_octaves > 0 ? linear(coordinate_width(config.coordinate_octaves), d) : 0;
  return checked_sum<ConfigError>("VideoDiT", {ends, place, time, text, config.depth * block});
}

const char* name_of(VideoAttention attention) { return attention == VideoAttention::joint ? "joint" : "factorised"; }
const char* name_of(StepEmbedding embedding) {
  return embedding == StepEmbedding::sinusoidal ? "sinusoidal" : "binary";
}

}  // namespace ditharos::models
