#pragma once
// The diffusion transformer, for images and for clips.
#include <optional>
#include <vector>

#include <ditharos/models/dit/block.h>
#include <ditharos/models/dit/condition.h>
#include <ditharos/models/dit/config.h>
#include <ditharos/models/dit/embedding/condition_embedder.h>
#include <ditharos/models/dit/embedding/patch_embed.h>
#include <ditharos/models/dit/embedding/position_embedding.h>
#include <ditharos/models/dit/embedding/prompt_embedder.h>
#include <ditharos/models/dit/joint_block.h>

namespace ditharos::models {

/// DiT (Peebles and Xie 2023, "Scalable diffusion models with transformers") over spacetime patches (Brooks et al.
/// 2024); an image is a clip of one frame. It is conditioned on a time, of a sample or of each of its frames, and on a
/// label or a prompt, see Condition. SiT uses the same network.
///
/// State-dict keys, their order and starting values are those of the released DiT: pos_embed, x_embedder.proj,
/// t_embedder, y_embedder.embedding_table, blocks.{i}.{attn,mlp,adaLN_modulation}, final_layer. Of Latte are temp_embed
/// and text_embedding_projection, of LightningDiT norm1, norm2, norm_final and mlp.{w12,w3}, of PixArt-alpha
/// csize_embedder, ar_embedder, y_embedder.y_proj, t_block, scale_shift_table and blocks.{i}.cross_attn, of Stable
/// Diffusion 3 y_embedder.mlp, context_embedder and joint_blocks.{i}.{x_block,context_block}. Layers that these lack
/// are listed in the order of the forward pass: pos_embedder (frequency bands) after x_embedder, embedders.{i} (of each
/// block), text_encoder and prompt_embedder before the blocks; in a block temporal_attn, text (cross-attention to
/// prompts), norm_cross and cross_attn (to the condition) after attn.
class DiT : public nn::Module<DiT> {
 public:
  /// Throws ConfigError when the configuration does not fit together.
  DiT(const DiTConfig& config, Generator& rng);

  /// x: clips [B, F, channels, H, W] or images [B, channels, H, W]; with a position table of the configured size,
  /// unless variable_size is set, else of any size that the patch divides. t: [B], or [B, F] for a time per frame, in
  /// the unit that sampling uses too; for the binary embedding from 0 to 2^step_bits - 1. Where a patch spans several
  /// frames, the embeddings of their times are averaged. Conditions that are tokens (Conditioning) take one time per
  /// sample. conditions: labels i64 [B] in [0, classes], where `classes` stands for "no class"; prompts i64 [B, L] with
  /// 0 = padding; text embeddings [B, ...] of `text_embedding` numbers each; undefined for a model without conditions.
  /// Returns a tensor like x with out_channels channels.
  /// With a cache, of one trajectory, most calls reuse what blocks computed in earlier ones; only without gradients.
  Tensor forward(const Tensor& x, const Tensor& t, const Tensor& conditions = {}, FeatureCache* cache = nullptr) const {
    return forward(x, t, DiTCondition{.conditions = conditions}, cache);
  }
  /// The same with conditions of all kinds, such as the features of a text encoder.
  Tensor forward(const Tensor& x, const Tensor& t, const DiTCondition& conditions, FeatureCache* cache = nullptr) const;
  void visit(nn::Visitor& v) override;

  const DiTConfig& config() const { return config_; }
  /// Rematerialization: in training only the input of each block is kept, and the block is recomputed in the backward
  /// pass. Less memory, about a third more time, the same gradients up to rounding. Off by default.
  void set_recompute(bool on) { recompute_ = on; }

 private:
  /// What the condition is to the blocks: silu(condition) [G, D] for all blocks, or one for each, and for the last
  /// layer (with adaLN-single see DiTBlock and FinalLayer); or tokens [B, n, D].
  struct Conditions {
    std::vector<Tensor> of_blocks;
    Tensor of_last, tokens;
  };

  EncodedText encode_text(const DiTCondition& conditions) const;
  DiTContext context_of(const Tensor& clips, const EncodedText& text, const Conditions& conditions) const;
  void add_text(DiTContext& context, const EncodedText& text) const;
  void add_rotary_tables(DiTContext& context, DType dtype) const;
  Conditions embed_conditions(const Tensor& t, const DiTCondition& conditions, const EncodedText& text,
                              int64_t frames) const;
  Tensor embed(const Tensor& clips, const PatchGrid& grid) const;
  Tensor add_frame_positions(const Tensor& h, const PatchGrid& grid) const;

  DiTConfig config_;
  bool recompute_ = false;
  PositionEmbedding positions_;
  PatchEmbed x_embedder_;
  std::optional<nn::Linear> pos_embedder_;    // of the tokens' coordinates in the clip
  std::vector<ConditionEmbedder> embedders_;  // one, or one for each block
  std::optional<TextEncoder> text_encoder_;
  std::optional<PromptEmbedder> prompt_embedder_;
  std::optional<nn::Mlp> caption_projection_;   // of a text's features, to which blocks attend
  std::optional<nn::Linear> context_embedder_;  // of a text's features, which are a stream
  std::optional<nn::Linear> t_block_;           // of adaLN-single: the modulations that all blocks share
  std::vector<DiTBlock> blocks_;
  std::vector<JointBlock> joint_blocks_;
  FinalLayer final_layer_;
};

}  // namespace ditharos::models
