#pragma once
// The architecture of a diffusion transformer, and its checks. An image is a clip of one frame.
#include <cstdint>

#include <ditharos/models/dit/embedding/position_table.h>
#include <ditharos/models/dit/patch.h>
#include <ditharos/models/text/encoder.h>

namespace ditharos::models {

/// The table of positions that is added to the tokens.
enum class Positions {
  sin_cos,  ///< fixed sines and cosines: pos_embed of the patches of a frame, temp_embed of the frames
  learned,  ///< the same tables as parameters, which start as N(0, .02^2)
  none
};

/// Rotations of queries and keys by their positions, with or without a table.
enum class Rotary {
  none,
  spacetime,  ///< of frames, rows and columns, see rotary_table; clips and images of every size
  spatial     ///< of rows and columns in interleaved pairs, as LightningDiT (Yao et al. 2025)
};

/// Which tokens attend to each other.
enum class AttentionLayout {
  joint,        ///< all tokens of a clip (as Sora, Brooks et al. 2024)
  factorised,   ///< spatial and temporal attention in alternating blocks (Latte, Ma et al. 2024, variant 1)
  late_fusion,  ///< spatial attention in the first half of the blocks, temporal in the second (variant 2)
  sequential,   ///< spatial, then temporal attention inside of each block (variant 3)
  split_heads   ///< half of the heads of each attention are spatial, half temporal (variant 4)
};

/// How the condition enters the blocks (Peebles and Xie 2023, section 3.2).
enum class Conditioning {
  ada_ln_zero,      ///< it gives shift, scale and gate of each branch; all start at zero
  ada_ln,           ///< it gives shift and scale; no gates, and weights that do not start at zero
  cross_attention,  ///< the embeddings of time and label are two tokens, to which every block attends
  in_context,       ///< they are two more tokens of the sequence, which are removed after the last block
  /// As ada_ln_zero, with one linear map for all blocks, to whose result each block adds a table of its own
  /// (adaLN-single of PixArt-alpha, Chen et al. 2023, section 2.3).
  ada_ln_single,
  /// As ada_ln_zero, and the tokens of the text are a second stream through the blocks, with weights of its own and a
  /// joint attention (MM-DiT of Stable Diffusion 3, Esser et al. 2024), see JointBlock.
  joint_streams
};

/// The norm before each branch of a block and before the last layer.
enum class Norm {
  layer,  ///< affine where the condition gives no shift and scale (cross_attention, in_context)
  rms     ///< with a weight (Zhang and Sennrich 2019)
};

/// The feed-forward network of a block.
enum class MlpKind {
  gelu_tanh,
  swiglu  ///< silu(a) b with a, b = w12(x), then w3; two thirds of the hidden width (Shazeer 2020)
};

/// Embedding of the time.
enum class StepEmbedding {
  sinusoidal,  ///< 256 sines and cosines, then an MLP, as DiT
  binary       ///< the binary digits of the step's number, then one linear map
};

/// What a sample is conditioned on, besides the time.
enum class Condition {
  none,
  label,           ///< of a class, as its embedding
  prompt,          ///< adds to the condition, and its tokens are attended to in between (as PixArt-alpha)
  text_embedding,  ///< numbers that a text encoder made, which a SiLU and a linear map embed (as Latte)
  text             ///< features of a text encoder, to whose tokens the blocks attend (PixArt-alpha, MM-DiT)
};

/// The architecture of a DiT (Peebles and Xie 2023). The defaults are the released DiT-S/2 for 256x256 images, which
/// its autoencoder encodes as 32x32x4.
struct DiTConfig {
  // The inputs.
  int64_t height = 32, width = 32;  ///< of the inputs with a position table; else any size that `patch` divides
  int64_t frames = 1;               ///< of the inputs with a position table; above 1 it includes one of frames
  int64_t channels = 4;             ///< of the inputs
  PatchSize patch = {1, 2, 2};
  /// Order of the numbers of a patch in the outputs of the last layer. It also decides how the weight of the first is
  /// stored, see PatchEmbed.
  PatchOrder patch_order = PatchOrder::channel_last;

  // The network.
  int64_t hidden = 384;  ///< width D of a token, divisible by `heads`; by 4 with sin_cos
  int64_t depth = 12;    ///< blocks
  int64_t heads = 6;     ///< attention heads per block; with rotary D / heads is even and at least 6
  double mlp_ratio = 4;  ///< hidden width of a block's MLP, in units of D
  MlpKind mlp = MlpKind::gelu_tanh;
  Norm norm = Norm::layer;
  double norm_eps = 1e-6;      ///< of all norms but those of the MLPs
  double mlp_norm_eps = 1e-6;  ///< of the norms before the MLPs (diffusers' DiT has another one there)
  bool qk_norm = false;        ///< RMS norm of each head's queries and keys: keeps scores small in large models
  bool qkv_bias = true;        ///< of the projections to queries, keys and values, but those of prompts

  // Positions.
  Positions positions = Positions::sin_cos;
  PositionScale position_scale = {};  ///< of sin_cos
  bool stored_positions = true;       ///< sin_cos tables are in the state dict; diffusers computes them
  /// Inputs of other sizes than the position table's are accepted. A sin_cos table is computed for their grid; a
  /// learned one is resampled, see PositionEmbedding.
  bool variable_size = false;
  Rotary rotary = Rotary::none;
  double rope_base = 100;  ///< of rotary positions, see rotary_table; 10000 in LightningDiT
  /// Absolute positions as features beside `positions`, see coordinate_features; 0: none.
  int64_t frequency_bands = 0;
  AttentionLayout attention = AttentionLayout::joint;

  // The condition.
  Conditioning conditioning = Conditioning::ada_ln_zero;
  bool modulation_shift = true;  ///< adaLN gives shifts; without them scales (and gates) alone, in the blocks
  StepEmbedding step_embedding = StepEmbedding::sinusoidal;
  /// The model takes two times of a sample, [B, 2] = (t, r), and embeds t and r - t, each by a sinusoidal embedder: for
  /// average velocities over an interval, see MeanFlow.
  bool interval_times = false;
  int64_t step_bits = 10;             ///< of the binary embedding: times from 0 to 2^bits - 1
  int64_t downscale_freq_shift = 0;   ///< of the sinusoidal one, see timestep_features; 1 in diffusers' DiT
  bool per_block_embedders = false;   ///< every block embeds time and label by itself (as diffusers' DiT)
  int64_t classes = 1000;             ///< of labels; 0: none
  double class_dropout = .1;          ///< share of labels that training replaces by null_label(), for guidance
  TextEncoderConfig text = {};        ///< of prompts; with a vocabulary of 0 the model takes none
  int64_t text_embedding = 0;         ///< numbers of a sample's text embedding; 0: the model takes none
  int64_t caption_channels = 0;       ///< width of the features of a text encoder; 0: the model takes none
  int64_t pooled_projection_dim = 0;  ///< width of a vector of each text, beside its features; 0: the model takes none
  bool size_conditions = false;       ///< resolution and aspect ratio add to the time (as PixArt-alpha at 1024x1024)
  /// Blocks with joint streams in which the image's tokens also attend among themselves, the first ones (as Stable
  /// Diffusion 3.5).
  int64_t dual_attention_blocks = 0;

  bool learn_sigma = true;  ///< also predict the range of the variance: twice as many output channels

  Condition condition() const;
  /// Patches of an image, and their number; of models with a position table.
  int64_t rows() const { return height / patch.height; }
  int64_t columns() const { return width / patch.width; }
  int64_t tokens() const { return rows() * columns(); }
  /// The grid of the inputs of models with a position table.
  PatchGrid grid() const { return {frames / patch.frames, rows(), columns()}; }
  int64_t out_channels() const { return learn_sigma ? 2 * channels : channels; }
  int64_t head_size() const { return hidden / heads; }
  int64_t mlp_hidden() const;
  /// Tokens that the condition is in the blocks, without modulations; 0: it modulates.
  int64_t condition_tokens() const;
  /// The condition's modulation of a branch of a block has a gate.
  bool has_gates() const;
  /// Vectors that modulate a DiTBlock.
  int64_t modulation_chunks() const;
  /// The block with this index, not one with joint streams, attends to a text's features: all but blocks whose
  /// attention is temporal alone (as Latte).
  bool attends_to_text(int64_t block) const;
  /// The first block with temporal attention, before which temp_embed is added; 0: it is added to the input.
  int64_t first_temporal_block() const;
  /// Numbers in a patch of the input, and of the output.
  int64_t patch_volume() const { return channels * patch.volume(); }
  int64_t out_volume() const { return out_channels() * patch.volume(); }
  /// The label that stands for "no class": the last row of the label table.
  int64_t null_label() const { return classes; }
  /// The same as the condition of one sample, a scalar i64, which the trainer and guidance want; of a model with text
  /// embeddings zeros. Undefined for a model of text features, whose null condition is the features of an empty prompt.
  Tensor null_condition() const;
  /// Throws ConfigError with one sentence that says what does not fit.
  void validate() const;

  friend bool operator==(const DiTConfig&, const DiTConfig&) = default;
};

}  // namespace ditharos::models
