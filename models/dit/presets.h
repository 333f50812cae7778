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

/// LightningDiT (Yao et al. 2025) by its name, "XL/1", "B/2", "1p6B/1" and so on: rotary positions beside the table,
/// RMS norm, SwiGLU, no learned variance. For 16x16x32 latents with patches of 1, as its autoencoder makes them of
/// 256x256 images, else 32x32x32.
[[nodiscard]] DiTConfig lightning_dit_preset(const std::string& name);
/// The names that lightning_dit_preset knows.
[[nodiscard]] std::vector<std::string> lightning_dit_preset_names();

/// PixArt-alpha (Chen et al. 2023) with features of T5's version 1.1 XXL: "XL/2" for 256x256 images, "XL/2-512" for
/// 512x512, and "XL/2-1024", which takes resolution and aspect ratio, for 1024x1024 and images of other shapes. ConfigError
/// for another name.
[[nodiscard]] DiTConfig pixart_preset(const std::string& name);
/// The names that pixart_preset knows.
[[nodiscard]] std::vector<std::string> pixart_preset_names();

/// MM-DiT of Stable Diffusion 3 (Esser et al. 2024): "3-medium", "3.5-medium" and "3.5-large", for 16-channel latents of
/// images up to the size of their position table. Times are in units of 1000. ConfigError for another name.
[[nodiscard]] DiTConfig sd3_preset(const std::string& name);
/// The names that sd3_preset knows.
[[nodiscard]] std::vector<std::string> sd3_preset_names();

/// Latte-1 (Ma et al. 2024), the released model of clips from text: 16 frames of 512x512 images, features of T5's version
/// 1.1 XXL, adaLN-single.
[[nodiscard]] DiTConfig latte_text_preset();

/// The same model as diffusers computes it: time and label are embedded in every block, with other time frequencies,
/// the norms of the MLPs have an eps of 1e-5, and the position table is not stored. diffusers' DiTTransformer2DModel
/// has the keys of diffusers_dit_names.
[[nodiscard]] DiTConfig as_diffusers(DiTConfig config);

/// A small model of clips of every length and size: rotary positions, patches with their channels first, no labels, no
/// learned variance, 8 channels.
[[nodiscard]] DiTConfig video_dit_preset();

}  // namespace ditharos::models
