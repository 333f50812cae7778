#pragma once
// The models of the zoo: families, and the configuration of one model.
#include <string>
#include <variant>
#include <vector>

#include <ditharos/models/autoencoder/kl_config.h>
#include <ditharos/models/dit/config.h>
#include <ditharos/models/text/t5.h>

namespace ditharos::models {

/// The published families. Those from dit to sd3 are configurations of one transformer.
enum class ModelFamily { dit, sit, latte, lightning_dit, pixart, sd3, autoencoder_kl, t5 };
/// "DiT", "SiT", "Latte", "LightningDiT", "PixArt", "SD3", "AutoencoderKL", "T5".
[[nodiscard]] std::string to_text(ModelFamily family);
[[nodiscard]] std::vector<ModelFamily> model_families();

/// The configuration of a model of the zoo.
using ModelConfig = std::variant<DiTConfig, AutoencoderKLConfig, T5Config>;

}  // namespace ditharos::models
