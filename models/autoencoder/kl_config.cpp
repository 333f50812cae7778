#include <ditharos/models/autoencoder/kl_config.h>

#include <algorithm>
#include <cmath>
#include <iterator>

#include <ditharos/models/autoencoder/config.h>
#include <ditharos/tensor/error.h>

namespace ditharos::models {
namespace {

constexpr int64_t most_kl_channels = 4096, most_layers = 16, most_resolutions = 7;
constexpr int64_t most_pixels = int64_t(1) << 24;  // along a side, for counts that do not overflow

/// Adds up parameters and operations layer by layer, at the resolution that is set.
class Cost {
 public:
  Cost(int64_t height, int64_t width) : height_(height), width_(width) {}

  void convolution(int64_t in, int64_t out, int64_t kernel = 3) {
    parameters += (in * kernel * kernel + 1) * out;
    macs += double(in * kernel * kernel * out) * pixels();
  }
  void norm(int64_t channels) { parameters += 2 * channels; }
  void residual(int64_t in, int64_t out) {
    norm(in);
    convolution(in, out);
    norm(out);
    convolution(out, out);
    if (in != out) convolution(in, out, 1);
  }
  void mid_block(int64_t channels, bool attention) {
    residual(channels, channels);
    if (attention) {
      norm(channels);
      for (int i = 0; i < 4; ++i) convolution(channels, channels, 1);  // queries, keys, values, output
      macs += 2 * pixels() * pixels() * double(channels);
    }
    residual(channels, channels);
  }
  void halve() { height_ /= 2, width_ /= 2; }
  void twice() { height_ *= 2, width_ *= 2; }

  int64_t parameters = 0;
  double macs = 0;  // exact up to 2^53

 private:
  double pixels() const { return double(height_) * double(width_); }
  int64_t height_, width_;
};

Cost encoder_cost(const AutoencoderKLConfig& c, int64_t height, int64_t width) {
  Cost cost(height, width);
  int64_t channels = c.block_out_channels[0];
  cost.convolution(c.in_channels, channels);
  for (size_t i = 0; i < c.block_out_channels.size(); ++i) {
    for (int64_t layer = 0; layer < c.layers_per_block; ++layer) {
      cost.residual(channels, c.block_out_channels[i]);
      channels = c.block_out_channels[i];
    }
    if (i + 1 == c.block_out_channels.size()) break;
    cost.halve();
    cost.convolution(channels, channels);
  }
  cost.mid_block(channels, c.mid_block_add_attention);
  cost.norm(channels);
  cost.convolution(channels, 2 * c.latent_channels);
  return cost;
}

Cost decoder_cost(const AutoencoderKLConfig& c, int64_t height, int64_t width) {
  Cost cost(height, width);
  int64_t channels = c.block_out_channels.back();
  cost.convolution(c.latent_channels, channels);
  cost.mid_block(channels, c.mid_block_add_attention);
  for (size_t i = c.block_out_channels.size(); i-- > 0;) {
    for (int64_t layer = 0; layer <= c.layers_per_block; ++layer) {
      cost.residual(channels, c.block_out_channels[i]);
      channels = c.block_out_channels[i];
    }
    if (i == 0) break;
    cost.twice();
    cost.convolution(channels, channels);
  }
  cost.norm(channels);
  cost.convolution(channels, c.out_channels);
  return cost;
}

/// The 1x1 convolution of `channels` channels, or nothing.
Cost pointwise_cost(bool used, int64_t channels, int64_t height, int64_t width) {
  Cost cost(height, width);
  if (used) cost.convolution(channels, channels, 1);
  return cost;
}

}  // namespace

void AutoencoderKLConfig::validate() const {
  const auto check_size = [](const char* name, int64_t value, int64_t lowest, int64_t highest) {
    check<ConfigError>(value >= lowest && value <= highest, name, " of an AutoencoderKL must be between ", lowest,
                       " and ", highest, ", got ", value);
  };
  check_size("in_channels", in_channels, 1, most_kl_channels);
  check_size("out_channels", out_channels, 1, most_kl_channels);
  check_size("latent_channels", latent_channels, 1, most_kl_channels);
  check_size("layers_per_block", layers_per_block, 1, most_layers);
  check_size("norm_num_groups", norm_num_groups, 1, most_kl_channels);
  check_size("the length of block_out_channels", std::ssize(block_out_channels), 1, most_resolutions);
  for (const int64_t channels : block_out_channels) {
    check_size("each of block_out_channels", channels, 1, most_kl_channels);
    check<ConfigError>(channels % norm_num_groups == 0, "block_out_channels of an AutoencoderKL must be multiples of ",
                       "norm_num_groups = ", norm_num_groups, ", got ", channels);
  }
  check<ConfigError>(std::isfinite(scaling_factor) && scaling_factor > 0,
                     "scaling_factor of an AutoencoderKL must be positive, got ", scaling_factor);
  check<ConfigError>(std::isfinite(shift_factor), "shift_factor of an AutoencoderKL must be finite, got ",
                     shift_factor);
}

Shape AutoencoderKLConfig::latent_shape(const Shape& images) const {
  const int rank = images.rank();
  check<ShapeError>((rank == 4 || rank == 5) && images[rank - 3] == in_channels, "[AutoencoderKL] needs images [B, ",
                    in_channels, ", H, W] or clips [B, F, ", in_channels, ", H, W], got ", images);
  const int64_t height = images[rank - 2], width = images[rank - 1], s = stride();
  check<ShapeError>(height > 0 && width > 0 && height % s == 0 && width % s == 0, "[AutoencoderKL] images of ", height,
                    "x", width, " pixels do not fit: height and width must be multiples of ", s,
                    "; the nearest size that fits is ", nearest_multiple(height, s), "x", nearest_multiple(width, s));
  Shape latents = images;
  latents[rank - 3] = latent_channels, latents[rank - 2] = height / s, latents[rank - 1] = width / s;
  return latents;
}

Shape AutoencoderKLConfig::image_shape(const Shape& latents) const {
  const int rank = latents.rank();
  check<ShapeError>((rank == 4 || rank == 5) && latents[rank - 3] == latent_channels,
                    "[AutoencoderKL] needs latents [B, ", latent_channels, ", H, W] or [B, F, ", latent_channels,
                    ", H, W], got ", latents);
  Shape images = latents;
  images[rank - 3] = out_channels;
  images[rank - 2] *= stride(), images[rank - 1] *= stride();
  return images;
}

AutoencoderKLParameters count_parameters(const AutoencoderKLConfig& config) {
  config.validate();  // no sum overflows within its bounds
  return {.encoder = encoder_cost(config, 1, 1).parameters,
          .decoder = decoder_cost(config, 1, 1).parameters,
          .quant_conv = pointwise_cost(config.use_quant_conv, 2 * config.latent_channels, 1, 1).parameters,
          .post_quant_conv = pointwise_cost(config.use_post_quant_conv, config.latent_channels, 1, 1).parameters};
}

int64_t count_elements(const AutoencoderKLConfig& config) {
  return count_parameters(config).total() + (config.latent_statistics ? 2 * config.latent_channels : 0);
}

AutoencoderKLMacs count_macs(const AutoencoderKLConfig& config, int64_t height, int64_t width) {
  config.validate();
  check<ShapeError>(height <= most_pixels && width <= most_pixels, "[count_macs] images of ", height, "x", width,
                    " pixels are larger than ", most_pixels, " on a side");
  const Shape latents = config.latent_shape({1, config.in_channels, height, width});
  const int64_t rows = latents[2], columns = latents[3];
  const auto sum = [](const Cost& a, const Cost& b) { return static_cast<int64_t>(a.macs + b.macs); };
  return {.encode = sum(encoder_cost(config, height, width),
                        pointwise_cost(config.use_quant_conv, 2 * config.latent_channels, rows, columns)),
          .decode = sum(pointwise_cost(config.use_post_quant_conv, config.latent_channels, rows, columns),
                        decoder_cost(config, rows, columns))};
}

}  // namespace ditharos::models
