#include <ditharos/models/zoo/model_config.h>

#include <ditharos/tensor/error.h>

namespace ditharos::models {

std::string to_text(ModelFamily family) {
  switch (family) {
    case ModelFamily::dit: return "DiT";
    case ModelFamily::sit: return "SiT";
    case ModelFamily::latte: return "Latte";
    case ModelFamily::lightning_dit: return "LightningDiT";
    case ModelFamily::pixart: return "PixArt";
    case ModelFamily::sd3: return "SD3";
    case ModelFamily::autoencoder_kl: return "AutoencoderKL";
    case ModelFamily::t5: return "T5";
  }
  fail("there is no such family of models");
}

std::vector<ModelFamily> model_families() {
  return {ModelFamily::dit,    ModelFamily::sit, ModelFamily::latte,          ModelFamily::lightning_dit,
          ModelFamily::pixart, ModelFamily::sd3, ModelFamily::autoencoder_kl, ModelFamily::t5};
}

}  // namespace ditharos::models
