#pragma once
// Which model of the zoo a state dict is, and its configuration, from the names and shapes of its tensors.
#include <map>
#include <string>
#include <vector>

#include <ditharos/models/zoo/json_object.h>
#include <ditharos/models/zoo/model_config.h>
#include <ditharos/tensor/tensor.h>

namespace ditharos::models {

/// Names and layout of a state dict.
enum class Layout {
  official,   ///< of the paper's own code; of T5, transformers'; of AutoencoderKL, CompVis/latent-diffusion's
  diffusers,  ///< of diffusers' class
  ditharos    ///< of this library's module
};
[[nodiscard]] std::string to_text(Layout layout);

/// A state dict's model.
struct RecognizedModel {
  ModelFamily family = ModelFamily::dit;
  ModelConfig config;
  Layout layout = Layout::official;
  std::string name;                ///< in the registry, "DiT-XL/2"; empty if its size is none of them
  std::vector<std::string> notes;  ///< what the tensors do not tell and was assumed, a sentence each
};

/// What is known besides the tensors. All of it is optional, and what it says must agree with the tensors.
struct RecognitionHints {
  std::string model = {};  ///< a name of the registry ("SiT-XL/2") or of a family ("SiT")
  JsonObject config = {};  ///< diffusers' config.json, or the constructor arguments of the paper's code
  /// The inputs x, t, y ... and the cotangent: their shapes tell sizes that no tensor tells.
  std::map<std::string, Tensor> inputs = {};
};

/// Reads names and shapes, no elements. ConfigError, with the reason, for tensors of no model of the zoo, for hints
/// that do not agree with them, and if the number of attention heads cannot be told. Loading reports names that are
/// missing or left over.
[[nodiscard]] RecognizedModel recognize_model(const std::map<std::string, Tensor>& tensors,
                                              const RecognitionHints& hints = {});

}  // namespace ditharos::models
