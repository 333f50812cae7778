#include <ditharos/models/autoencoder/config.h>

#include <algorithm>

#include <ditharos/tensor/error.h>

namespace ditharos::models {
namespace {

constexpr int64_t most_channels = 4096, most_blocks = 16, most_stages = 6;

}  // namespace

int64_t nearest_multiple(int64_t size, int64_t stride) {
  return std::max(stride, (size + stride / 2) / stride * stride);
}

int64_t VideoAutoencoderConfig::width_at(int64_t halvings) const { return std::min(width << halvings, max_width); }

void VideoAutoencoderConfig::validate() const {
  const auto check_size = [](const char* name, int64_t value, int64_t lowest, int64_t highest) {
    check<ConfigError>(value >= lowest && value <= highest, name, " of an autoencoder must be between ", lowest,
                       " and ", highest, ", got ", value);
  };
  check_size("channels", channels, 1, most_channels);
  check_size("latent_channels", latent_channels, 1, most_channels);
  check_size("width", width, 1, most_channels);
  check_size("max_width", max_width, width, most_channels);
  check_size("blocks", blocks, 1, most_blocks);
  check_size("groups", groups, 1, width);
  check_size("stages", stages, 0, most_stages);
  check<ConfigError>(time_stride == 1 || time_stride == 2 || time_stride == 4,
                     "time_stride of an autoencoder must be 1, 2 or 4, got ", time_stride);
  for (int64_t s = 0; s <= stages; ++s) {
    check<ConfigError>(width_at(s) % groups == 0, "an autoencoder of width = ", width, " and max_width = ", max_width,
                       " has layers of ", width_at(s), " channels, which do not divide into groups = ", groups);
  }
}

int64_t count_elements(const VideoAutoencoderConfig& config) {
  config.validate();  // no sum below overflows within its bounds
  // 3 x 3 taps; over time as well, 3 x 3 x 3.
  const auto convolution = [](int64_t in, int64_t out, int64_t taps = 9) { return (in * taps + 1) * out; };
  const auto residual = [&](int64_t width) { return 2 * (2 * width + convolution(width, width)); };
  const int64_t narrow = config.width_at(0), wide = config.width_at(config.stages), latent = config.latent_channels;
  int64_t encoder = convolution(config.channels, narrow) + 2 * wide + convolution(wide, 2 * latent);
  int64_t decoder =
      convolution(latent, wide) + config.blocks * residual(narrow) + 2 * narrow + convolution(narrow, config.channels);
  for (int64_t s = 0; s < config.stages; ++s) {
    const int64_t here = config.width_at(s), next = config.width_at(s + 1);
    encoder += convolution(here, next) + config.blocks * residual(next);
    decoder += convolution(next, here) + config.blocks * residual(next);
  }
  int64_t times = 0;
  for (int64_t t = 1; t < config.time_stride; t *= 2) times += 2 * convolution(wide, wide, 27);
  return encoder + decoder + times + 2 * latent;
}

Shape VideoAutoencoderConfig::latent_shape(const Shape& clips) const {
  check<ShapeError>(clips.rank() == 5 && clips[2] == channels, "[VideoAutoencoder] clips must have shape [B, F, ",
                    channels, ", H, W], got ", clips);
  const int64_t s = stride(), t = time_stride;
  const bool fits =
      clips[1] > 0 && clips[3] > 0 && clips[4] > 0 && clips[1] % t == 0 && clips[3] % s == 0 && clips[4] % s == 0;
  check<ShapeError>(fits, "[VideoAutoencoder] clips of ", clips[1], " frames of ", clips[3], "x", clips[4],
                    " pixels do not fit: frames must be a multiple of ", t, ", height and width of ", s,
                    "; the nearest that fits is ", nearest_multiple(clips[1], t), " frames of ",
                    nearest_multiple(clips[3], s), "x", nearest_multiple(clips[4], s));
  return {clips[0], clips[1] / t, latent_channels, clips[3] / s, clips[4] / s};
}

Shape VideoAutoencoderConfig::clip_shape(const Shape& latents) const {
  check<ShapeError>(latents.rank() == 5 && latents[2] == latent_channels,
                    "[VideoAutoencoder] latents must have shape [B, F, ", latent_channels, ", H, W], got ", latents);
  return {latents[0], latents[1] * time_stride, channels, latents[3] * stride(), latents[4] * stride()};
}

}  // namespace ditharos::models
