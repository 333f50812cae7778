#pragma once
// The diffusion transformer, for images and for clips.
#include <optional>
#include <vector>

#include <ditharos/models/dit/block.h>
#include <ditharos/models/dit/config.h>
#include <ditharos/models/dit/patch_embed.h>
#include <ditharos/models/dit/prompt_embedder.h>
#include <ditharos/nn/embedding.h>

namespace ditharos::models {

/// DiT (Peebles and Xie 2023, "Scalable diffusion models with transformers") over spacetime patches (Brooks et al.
/// 2024); an image is a clip of one frame. It is conditioned on a time, of a sample or of each of its frames, and on a
/// label or a prompt, see Condition. SiT uses the same network.
///
/// State-dict keys, their order and starting values are those of the released DiT: pos_embed, x_embedder.proj,
/// t_embedder, y_embedder.embedding_table, blocks.{i}.{attn,mlp,adaLN_modulation}, final_layer. Layers that the
/// released DiT lacks are listed in the order of the forward pass: pos_embedder (frequency bands) after x_embedder,
/// text_encoder and prompt_embedder before the blocks, blocks.{i}.text (cross-attention) after attn.
class DiT : public nn::Module<DiT> {
 public:
  /// Throws ConfigError when the configuration does not fit together.
  DiT(const DiTConfig& config, Generator& rng);

  /// x: clips [B, F, channels, H, W] or images [B, channels, H, W]; with a position table images of the configured size
  /// or clips of one such frame, else of any size that the patch divides. t: [B], or [B, F] for a time per frame, in
  /// the unit that sampling uses too; for the binary embedding from 0 to 2^step_bits - 1. Where a patch spans several
  /// frames, the embeddings of their times are averaged. conditions: labels i64 [B] in [0, classes], where `classes`
  /// stands for "no class"; prompts i64 [B, L] with 0 = padding; undefined for a model without conditions.
  /// Returns a tensor like x with out_channels channels.
  /// With a cache, of one trajectory, most calls reuse what the blocks computed in earlier ones; only without gradients.
  Tensor forward(const Tensor& x, const Tensor& t, const Tensor& conditions = {}, FeatureCache* cache = nullptr) const;
  void visit(nn::Visitor& v) override;

  const DiTConfig& config() const { return config_; }
  /// Rematerialization: in training only the input of each block is kept, and the block is recomputed in the backward
  /// pass. Less memory, about a third more time, the same gradients up to rounding. Off by default.
  void set_recompute(bool on) { recompute_ = on; }

 private:
  void check_inputs(const Tensor& x, const Tensor& t, const Tensor& conditions) const;
  void check_labels(const Tensor& labels, int64_t batch) const;
  DiTContext context_of(const Tensor& clips, const EncodedText& text) const;
  Tensor embed(const Tensor& clips, const PatchGrid& grid) const;
  Tensor embed_times(const Tensor& t, int64_t frames) const;
  Tensor condition(const Tensor& t, const Tensor& conditions, const EncodedText& text, int64_t frames) const;

  DiTConfig config_;
  bool recompute_ = false;
  nn::Buffer pos_embed_;  // [1, T, D]; undefined without a position table
  PatchEmbed x_embedder_;
  std::optional<nn::Linear> pos_embedder_;          // of the tokens' coordinates in the clip
  std::optional<nn::TimestepEmbedder> t_embedder_;  // sinusoidal
  std::optional<nn::Linear> step_embedder_;         // binary
  std::optional<nn::Embedding> label_table_;
  std::optional<TextEncoder> text_encoder_;
  std::optional<PromptEmbedder> prompt_embedder_;
  std::vector<DiTBlock> blocks_;
  FinalLayer final_layer_;
};

}  // namespace ditharos::models
