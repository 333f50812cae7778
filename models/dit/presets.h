#pragma once
// The published sizes of diffusion transformers, by name.
#include <string>
#include <vector>

#include <ditharos/models/dit/config.h>

namespace ditharos::models {

/// A size of the DiT paper by its name, "S/2", "B/4", "L/8", "XL/2" and so on: the patches have that many rows and
/// columns. Everything else as in the defaults of DiTConfig. ConfigError for another name. SiT has the same sizes.
[[nodiscard]] DiTConfig dit_preset(const std::string& name);
/// The names that dit_preset knows, smallest first.
[[nodiscard]] std::vector<std::string> dit_preset_names();

/// Latte (Ma et al. 2024) of one of the same sizes: variant 1, unconditional, 16 frames of 32x32x4.
[[nodiscard]] DiTConfig latte_preset(const std::string& name);

/// LightningDiT (Yao et al. 2025) by its name, "XL/1", "B/2", "1p6B/1" and so on: rotary positions beside the table, RMS
/// norm, SwiGLU, no learned variance. For 16x16x32 latents with patches of 1, as its autoencoder makes them of 256x256
/// images, else 32x32x32.
[[nodiscard]] DiTConfig lightning_dit_preset(const std::string& name);
/// The names that lightning_dit_preset knows.
[[nodiscard]] std::vector<std::string> lightning_dit_preset_names();

/// A small model of clips of every length and size: rotary positions, patches with their channels first, no labels, no
/// learned variance, 8 channels.
[[nodiscard]] DiTConfig video_dit_preset();

}  // namespace ditharos::models
