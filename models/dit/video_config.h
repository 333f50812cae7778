#pragma once
// The shape of a diffusion transformer for video, and its checks.
#include <cstdint>

#include <ditharos/models/dit/video_patch.h>
#include <ditharos/models/text/encoder.h>

namespace ditharos::models {

/// Which tokens see each other.
enum class VideoAttention {
  joint,      ///< all of a clip's (as Sora, Brooks et al. 2024)
  factorised  ///< those of a frame and those of a place take turns, block by block (Latte, Ma et al. 2024, variant 1)
};

/// How the network is told the time.
enum class StepEmbedding {
  sinusoidal,  ///< 256 sines and cosines, then an MLP, as DiT
  binary       ///< the binary digits of the step's number, then one linear map
};

/// What decides every shape of a VideoDiT. Frames, height and width are not among it: any that patches divide will do.
struct VideoDiTConfig {
  int64_t channels = 8;     ///< of the clips or latents
  PatchSize patch = {1, 2, 2};
  int64_t hidden = 192;     ///< width D of a token
  int64_t depth = 8;        ///< blocks
  int64_t heads = 6;        ///< attention heads a block; D / heads is even and at least 6
  double mlp_ratio = 4;     ///< hidden width of a block's MLP, in units of D
  VideoAttention attention = VideoAttention::joint;
  bool qk_norm = false;     ///< RMS norm of each head's queries and keys: keeps scores small in large models
  StepEmbedding step_embedding = StepEmbedding::sinusoidal;
  int64_t step_bits = 10;   ///< of the binary embedding: times from 0 to 2^bits - 1
  double rope_base = 100;   ///< see rotary_table
  /// Tokens are also told where in the clip they lie, see coordinate_features; 0: they know their distances alone.
  int64_t coordinate_octaves = 0;
  TextEncoderConfig text = {};  ///< with a vocabulary of 0 the model takes no prompts

  bool has_text() const { return text.vocabulary > 0; }
  int64_t head_size() const { return hidden / heads; }
  int64_t mlp_hidden() const { return static_cast<int64_t>(static_cast<double>(hidden) * mlp_ratio); }
  /// Numbers in a patch.
  int64_t patch_volume() const { return channels * patch.volume(); }
  /// Throws ConfigError with one sentence that says what does not fit.
  void validate() const;

  friend bool operator==(const VideoDiTConfig&, const VideoDiTConfig&) = default;
};

/// Parameters of a VideoDiT of this shape, without building it.
[[nodiscard]] int64_t count_parameters(const VideoDiTConfig& config);

/// "joint" or "factorised", "sinusoidal" or "binary", as configuration files call them.
[[nodiscard]] const char* name_of(VideoAttention attention);
[[nodiscard]] const char* name_of(StepEmbedding embedding);

}  // namespace ditharos::models
