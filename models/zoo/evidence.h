#pragma once
// Internal to models/zoo/.
// What the recognition of a model has to go by: the shapes of its tensors, and the hints.
#include <optional>
#include <string>
#include <vector>

#include <ditharos/models/zoo/named_shapes.h>
#include <ditharos/models/zoo/recognition.h>

namespace ditharos::models {

/// The shapes of the tensors and the hints, and checks that they agree.
struct Evidence {
  const NamedShapes& shapes;
  const RecognitionHints& hints;
  std::string what;  ///< "a DiT", for messages

  /// ConfigError unless the setting `key` of the configuration, if it is there, is `value`, which the tensors have.
  void agree(const std::string& key, int64_t value) const;
  void agree(const std::string& key, bool value) const;

  int64_t size(const std::string& name, int rank, int axis) const { return shapes.size(name, rank, axis, what); }
  /// The size of axis 0 of a tensor [n factor, ...], divided by the factor. ConfigError unless it is divisible.
  int64_t share(const std::string& name, int rank, int64_t factor) const;
  /// Shape of an input, or nothing.
  std::optional<Shape> input(const std::string& name) const;
};

/// Sets hidden, heads and what else follows from them: the heads of the configuration (num_heads, or the diffusers keys
/// num_attention_heads and attention_head_dim), else `head_size` if it is above 0, else those of the named model, else
/// the published rule: heads of 64, or of `xl_head` where the width is 1152. A note says that the rule was used.
[[nodiscard]] int64_t find_heads(const Evidence& evidence, int64_t hidden, int64_t head_size,
                                 std::vector<std::string>& notes, int64_t xl_head = 72);

/// Rows and columns, in pixels, of inputs with `positions` patches of `patch`: the configuration's `key` (one number or
/// two), else those of the input x if they fit, else a square.
struct InputSize {
  int64_t height = 0, width = 0;
};
[[nodiscard]] InputSize find_input_size(const Evidence& evidence, const std::string& key, int64_t positions,
                                        const PatchSize& patch);

/// Sets mlp_ratio so that config.mlp_hidden() is `hidden`; `config` has its width and kind of MLP.
void set_mlp_hidden(DiTConfig& config, int64_t hidden);

/// The models of the papers' code: DiT, SiT, Latte, LightningDiT and their variants.
[[nodiscard]] RecognizedModel recognize_official(const NamedShapes& shapes, const RecognitionHints& hints);
/// diffusers' DiTTransformer2DModel, PixArtTransformer2DModel, LatteTransformer3DModel and SD3Transformer2DModel.
[[nodiscard]] RecognizedModel recognize_diffusers_dit(const NamedShapes& shapes, const RecognitionHints& hints);
[[nodiscard]] RecognizedModel recognize_pixart(const NamedShapes& shapes, const RecognitionHints& hints);
[[nodiscard]] RecognizedModel recognize_latte_text(const NamedShapes& shapes, const RecognitionHints& hints);
[[nodiscard]] RecognizedModel recognize_sd3(const NamedShapes& shapes, const RecognitionHints& hints);
/// AutoencoderKL in diffusers' names, old and new, or in CompVis'.
[[nodiscard]] RecognizedModel recognize_autoencoder(const NamedShapes& shapes, const RecognitionHints& hints);
/// The encoder of a T5.
[[nodiscard]] RecognizedModel recognize_t5(const NamedShapes& shapes, const RecognitionHints& hints);

}  // namespace ditharos::models
