#pragma once
// What a diffusion transformer costs: parameters and multiply-accumulates, without building it.
#include <ditharos/models/dit/config.h>

namespace ditharos::models {

struct DiTCounts {
  int64_t trainable = 0;  ///< parameters
  int64_t total = 0;      ///< and the stored position tables
};
/// Numbers of elements in a DiT of this configuration. ConfigError for one that does not fit together.
[[nodiscard]] DiTCounts count_parameters(const DiTConfig& config);

/// Multiply-accumulates of one forward pass of one sample of shape [C, H, W] or [F, C, H, W], with one time for the
/// sample: those of all matrix products, in linear layers and attention. Norms, activations, sums and biases do not
/// count. The GMACs ("Gflops") of the DiT paper are these within .02. Prompts have their greatest length, features of
/// a text `text_tokens` tokens (120 as PixArt-alpha). ShapeError unless the patch divides the sample.
[[nodiscard]] int64_t count_macs(const DiTConfig& config, const Shape& sample, int64_t text_tokens = 120);
/// Of a sample of the configured size.
[[nodiscard]] int64_t count_macs(const DiTConfig& config);

}  // namespace ditharos::models
