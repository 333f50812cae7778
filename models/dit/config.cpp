#include <ditharos/models/dit/config.h>

#include <cmath>

#include <ditharos/tensor/checked.h>
#include <ditharos/tensor/factory.h>

namespace ditharos::models {
namespace {

/// Far above any real model. Below these limits the number of a block's parameters cannot overflow.
constexpr int64_t largest = 1 << 16, most_classes = 1 << 24;

const char* to_text(Positions positions) { return positions == Positions::sin_cos ? "sin_cos" : "learned"; }

void check_size(const char* name, int64_t value) {
  check<ConfigError>(value >= 1 && value <= largest, name, " must be between 1 and ", largest, ", got ", value);
}

void check_table(const DiTConfig& c) {
  check_size("height", c.height);
  check_size("width", c.width);
  check_size("frames", c.frames);
  check<ConfigError>(c.height % c.patch.height == 0 && c.width % c.patch.width == 0, "an image of height ", c.height,
                     " and width ", c.width, " cannot be cut into patches of ", c.patch.height, "x", c.patch.width,
                     ": they must divide it");
  check<ConfigError>(c.variable_size || c.frames > 1 || c.patch.frames == 1, to_text(c.positions), " positions are ",
                     "those of images, whose patches have one frame; got patches of ", c.patch.frames);
  check<ConfigError>(c.frames == 1 || c.frames % c.patch.frames == 0, "a clip of ", c.frames, " frames cannot be cut ",
                     "into patches of ", c.patch.frames, " frames: they must divide it");
  c.position_scale.validate(c.rows(), c.columns());
  check<ConfigError>(c.positions == Positions::sin_cos || c.position_scale == PositionScale{},
                     "position_scale is that of sin_cos positions; a learned table has none");
}

void check_positions(const DiTConfig& c) {
  if (c.positions != Positions::none) check_table(c);
  check<ConfigError>(c.positions != Positions::sin_cos || c.hidden % 4 == 0,
                     "hidden must be divisible by 4 (sine and cosine of row and column), got ", c.hidden);
  if (c.rotary == Rotary::none) return;
  check<ConfigError>(c.rotary != Rotary::spacetime || (c.head_size() % 2 == 0 && c.head_size() >= 6),
                     "hidden / heads, the size of a head, must be even and at least 6 (a rotation for each of frame, ",
                     "row and column), got ", c.head_size());
  check<ConfigError>(c.rotary != Rotary::spatial || c.head_size() % 4 == 0, "hidden / heads, the size of a head, must ",
                     "be divisible by 4 (pairs for rows and as many for columns), got ", c.head_size());
  check<ConfigError>(std::isfinite(c.rope_base) && c.rope_base > 1, "rope_base must be above 1, got ", c.rope_base);
}

void check_attention(const DiTConfig& c) {
  check<ConfigError>(c.attention != AttentionLayout::split_heads || c.heads % 2 == 0, "split_heads gives half of the ",
                     "heads to space and half to time: their number must be even, got ", c.heads);
  check<ConfigError>(c.rotary != Rotary::spatial || c.attention == AttentionLayout::joint,
                     "spatial rotary positions are those of images, whose attention is joint");
  check<ConfigError>(c.attention == AttentionLayout::joint || c.conditioning != Conditioning::in_context,
                     "in_context conditioning needs joint attention: its tokens belong to no frame");
}

void check_text(const DiTConfig& c) {
  const bool joint = c.conditioning == Conditioning::joint_streams, text = c.condition() == Condition::text;
  check<ConfigError>(c.caption_channels >= 0 && c.caption_channels <= largest, "caption_channels must be between 0 (",
                     "none) and ", largest, ", got ", c.caption_channels);
  check<ConfigError>(!text || (c.classes == 0 && c.text.vocabulary == 0 && c.text_embedding == 0), "a model takes ",
                     "labels, prompts, text embeddings or text features, not several of them; with caption_channels = ",
                     c.caption_channels, " the others must be 0");
  check<ConfigError>(c.pooled_projection_dim >= 0 && c.pooled_projection_dim <= largest, "pooled_projection_dim must ",
                     "be between 0 (none) and ", largest, ", got ", c.pooled_projection_dim);
  check<ConfigError>(c.pooled_projection_dim == 0 || text, "pooled_projection_dim is of models of text features, ",
                     "whose caption_channels are above 0");
  check<ConfigError>(!text || c.condition_tokens() == 0, "a model of text features takes the other conditions by ",
                     "adaLN; in_context and cross_attention are of labels");
  check<ConfigError>(!c.size_conditions || (c.hidden % 3 == 0 && c.condition_tokens() == 0), "size_conditions embed ",
                     "height, width and aspect ratio in a third of hidden each, for adaLN; hidden must be divisible ",
                     "by 3, got ", c.hidden);
  check<ConfigError>(!joint || text, "joint_streams are of images and text features: caption_channels must be above 0");
  check<ConfigError>(!joint || (c.attention == AttentionLayout::joint && c.norm == Norm::layer &&
                                c.mlp == MlpKind::gelu_tanh && c.modulation_shift && !c.per_block_embedders),
                     "joint_streams have joint attention, layer norms, gelu_tanh MLPs, shifts, and one embedder");
  check<ConfigError>(
      c.dual_attention_blocks >= 0 && c.dual_attention_blocks <= c.depth && (joint || c.dual_attention_blocks == 0),
      "dual_attention_blocks are the first of the ", c.depth, " blocks with joint_streams; got ",
      c.dual_attention_blocks);
}

void check_condition(const DiTConfig& c) {
  check<ConfigError>(c.step_bits >= 1 && c.step_bits <= 30, "step_bits must be between 1 and 30, got ", c.step_bits);
  check<ConfigError>(c.downscale_freq_shift == 0 || c.downscale_freq_shift == 1, "downscale_freq_shift must be 0 or ",
                     "1, got ", c.downscale_freq_shift);
  check<ConfigError>(c.classes >= 0 && c.classes <= most_classes, "classes must be between 0 (no labels) and ",
                     most_classes, ", got ", c.classes);
  check<ConfigError>(c.class_dropout >= 0 && c.class_dropout < 1, "class_dropout must be in [0, 1), got ",
                     c.class_dropout);
  check<ConfigError>(c.text.vocabulary >= 0, "the text encoder's vocabulary must be 0 (no text) or more, got ",
                     c.text.vocabulary);
  check<ConfigError>(c.text.vocabulary == 0 || c.classes == 0, "a model takes labels or prompts, not both: it has ",
                     c.classes, " classes and a vocabulary of ", c.text.vocabulary);
  check<ConfigError>(c.text_embedding >= 0 && c.text_embedding <= most_classes, "text_embedding must be between 0 (",
                     "none) and ", most_classes, ", got ", c.text_embedding);
  check<ConfigError>(c.text_embedding == 0 || (c.classes == 0 && c.text.vocabulary == 0), "a model takes labels, ",
                     "prompts or text embeddings, not several of them: it has ", c.classes, " classes, a vocabulary ",
                     "of ", c.text.vocabulary, " and text embeddings of ", c.text_embedding);
  if (c.condition() == Condition::prompt) c.text.validate();
  check<ConfigError>(c.condition_tokens() == 0 || c.condition() != Condition::prompt,
                     "a model of prompts takes its condition by adaLN; in_context and cross_attention are of labels");
  check_text(c);
  check<ConfigError>(!c.interval_times || c.step_embedding == StepEmbedding::sinusoidal,
                     "interval_times need the sinusoidal step_embedding: the length of an interval is no whole number");
  check<ConfigError>(!c.per_block_embedders || (c.condition_tokens() == 0 && c.condition() != Condition::prompt),
                     "per_block_embedders are of conditions that modulate, without prompts");
}

}  // namespace

Condition DiTConfig::condition() const {
  if (text.vocabulary > 0) return Condition::prompt;
  if (text_embedding > 0) return Condition::text_embedding;
  if (caption_channels > 0) return Condition::text;
  return classes > 0 ? Condition::label : Condition::none;
}

int64_t DiTConfig::mlp_hidden() const {
  const auto full = static_cast<int64_t>(static_cast<double>(hidden) * mlp_ratio);
  return mlp == MlpKind::swiglu ? static_cast<int64_t>(2. / 3. * static_cast<double>(full)) : full;
}

int64_t DiTConfig::condition_tokens() const {
  if (conditioning != Conditioning::cross_attention && conditioning != Conditioning::in_context) return 0;
  return condition() == Condition::none ? 1 : 2;
}

bool DiTConfig::has_gates() const { return condition_tokens() == 0 && conditioning != Conditioning::ada_ln; }

int64_t DiTConfig::modulation_chunks() const {
  if (condition_tokens() > 0) return 0;
  return 2 * ((modulation_shift ? 1 : 0) + 1 + (has_gates() ? 1 : 0));
}

bool DiTConfig::attends_to_text(int64_t block) const {
  if (condition() != Condition::text || conditioning == Conditioning::joint_streams) return false;
  const bool alternates = attention == AttentionLayout::factorised && block % 2 == 1;
  return !alternates && !(attention == AttentionLayout::late_fusion && block >= first_temporal_block());
}

int64_t DiTConfig::first_temporal_block() const {
  if (attention == AttentionLayout::factorised) return 1;
  return attention == AttentionLayout::late_fusion ? (depth + 1) / 2 : 0;
}

Tensor DiTConfig::null_condition() const {
  if (condition() == Condition::text_embedding) return zeros({text_embedding});
  if (condition() == Condition::text) return {};
  return scalar(double(null_label()), DType::i64);
}

void DiTConfig::validate() const {
  check_size("channels", channels);
  check_size("a patch's number of frames", patch.frames);
  check_size("a patch's height", patch.height);
  check_size("a patch's width", patch.width);
  static_cast<void>(checked_product<ConfigError>("DiT", {2, channels, patch.frames, patch.height, patch.width}));
  check_size("hidden", hidden);
  check_size("depth", depth);
  check_size("heads", heads);
  check<ConfigError>(hidden % heads == 0, "the width hidden = ", hidden, " is not divisible by heads = ", heads);
  check<ConfigError>(mlp_ratio > 0 && mlp_ratio <= 1024 && mlp_hidden() >= 1, "mlp_ratio = ", mlp_ratio,
                     " gives no usable MLP width; 4 is usual");
  check<ConfigError>(norm_eps > 0 && norm_eps < 1 && mlp_norm_eps > 0 && mlp_norm_eps < 1, "norm_eps and mlp_norm_eps ",
                     "must be above 0 and below 1; 1e-6 is usual");
  check_positions(*this);
  check<ConfigError>(frequency_bands >= 0 && frequency_bands <= 16, "frequency_bands must be between 0 (none) and ",
                     "16, got ", frequency_bands);
  check_attention(*this);
  check_condition(*this);
}

}  // namespace ditharos::models
