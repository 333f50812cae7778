#pragma once
// The diffusion transformer for video: clips of any length and size, a time for every frame, prompts.
#include <optional>
#include <vector>

#include <ditharos/models/dit/block.h>
#include <ditharos/models/dit/prompt_embedder.h>
#include <ditharos/models/dit/video_block.h>
#include <ditharos/nn/embedding.h>

namespace ditharos::models {

/// A diffusion transformer over spacetime patches (Peebles and Xie 2023; Brooks et al. 2024). Its condition is a time,
/// one for a clip or one for each of its frames, and a prompt, whose mean steers adaptive layer norms and whose tokens
/// are attended to. Positions enter as rotations and, if asked for, as places in the clip, so one set of weights takes
/// clips of every shape.
class VideoDiT : public nn::Module<VideoDiT> {
 public:
  /// Throws ConfigError when the configuration does not fit together.
  VideoDiT(const VideoDiTConfig& config, Generator& rng);

  /// x [B, F, channels, H, W] with F, H and W that the patch divides, t [B] or [B, F] (any unit that sampling uses too;
  /// the binary embedding wants 0 to 2^step_bits - 1), prompts i64 [B, L] with 0 = padding, undefined for a model
  /// without text -> like x. Where a patch spans several frames, the embeddings of their times are averaged.
  Tensor forward(const Tensor& x, const Tensor& t, const Tensor& prompts = {}) const;
  void visit(nn::Visitor& v) override;

  const VideoDiTConfig& config() const { return config_; }
  /// In training, keeps of each block only its input and computes the block again in the backward pass: less memory,
  /// about a third more time, the same gradients up to rounding. Off at the start.
  void set_recompute(bool on) { recompute_ = on; }

 private:
  void check_inputs(const Tensor& x, const Tensor& t, const Tensor& prompts) const;
  ClipContext context_of(const Tensor& x, const EncodedText& text) const;
  Tensor condition(const Tensor& t, const EncodedText& text, int64_t frames) const;
  Tensor embed_times(const Tensor& t) const;

  VideoDiTConfig config_;
  bool recompute_ = false;
  nn::Linear x_embedder_;
  std::optional<nn::Linear> pos_embedder_;  // of the tokens' places in the clip
  std::optional<nn::TimestepEmbedder> t_embedder_;  // sinusoidal
  std::optional<nn::Linear> step_embedder_;         // binary
  std::optional<TextEncoder> text_encoder_;
  std::optional<PromptEmbedder> prompt_embedder_;
  std::vector<VideoBlock> blocks_;
  FinalLayer final_layer_;
};

}  // namespace ditharos::models
