#include <ditharos/models/dit/dit.h>

#include <ditharos/autograd/grad_mode.h>
#include <ditharos/autograd/ops.h>
#include <ditharos/models/dit/embedding/coordinates.h>
#include <ditharos/models/dit/input_checks.h>
#include <ditharos/nn/checkpoint.h>
#include <ditharos/nn/init.h>

namespace ditharos::models {

DiT::DiT(const DiTConfig& config, Generator& rng) : config_(config) {
  config.validate();
  const int64_t width = config.hidden, bands = config.frequency_bands;
  positions_ = PositionEmbedding(config, rng);
  x_embedder_ = PatchEmbed(config.channels, config.patch, config.patch_order, width, rng);
  if (bands > 0) pos_embedder_.emplace(coordinate_width(bands), width, rng).keep_f32();
  for (int64_t i = 0; i < (config.per_block_embedders ? config.depth : 1); ++i) embedders_.emplace_back(config, rng);
  if (config.condition() == Condition::prompt) {
    text_encoder_.emplace(config.text, rng);
    prompt_embedder_.emplace(config.text.width, bands, width, rng);
  }
  const bool joint = config.conditioning == Conditioning::joint_streams;
  if (config.condition() == Condition::text) {
    if (joint) context_embedder_.emplace(config.caption_channels, width, rng).keep_f32();
    else caption_projection_.emplace(config.caption_channels, width, width, rng);
  }
  if (config.conditioning == Conditioning::ada_ln_single) {
    t_block_.emplace(width, config.modulation_chunks() * width, rng).keep_f32();
    t_block_->weight = nn::Parameter(nn::init::normal(t_block_->weight.shape(), .02, rng));  // as PixArt's code
  }
  for (int64_t i = 0; i < config.depth; ++i) {
    if (joint) joint_blocks_.emplace_back(config, rng, i);
    else blocks_.emplace_back(config, rng, i);
  }
  final_layer_ = FinalLayer(config, rng);
}

Tensor DiT::forward(const Tensor& x, const Tensor& t, const DiTCondition& conditions, FeatureCache* cache) const {
  check_inputs(config_, x, t, conditions);
  const Tensor clips = as_clips(x);
  const PatchGrid grid = patch_grid(clips.shape(), config_.patch);
  const EncodedText text = encode_text(conditions);
  const Conditions condition = embed_conditions(t, conditions, text, grid.frames);
  DiTContext context = context_of(clips, text, condition);
  context.cache = cache;
  const int64_t first_temporal = config_.first_temporal_block();

  const int64_t groups = condition.of_last.defined() ? condition.of_last.size(0) : context.batch;
  Tensor h = reshape(embed(clips, grid), {groups, -1, config_.hidden});  // [G, B T / G, D]
  if (config_.conditioning == Conditioning::in_context) h = cat({h, condition.tokens}, 1);
  if (config_.conditioning == Conditioning::joint_streams) h = cat({h, text.tokens}, 1);
  if (cache != nullptr) cache->begin_call(h.shape());
  const auto run = [&](const auto& block, const Tensor& of_block) {
    return recompute_ && grad_enabled() ? nn::checkpoint(block, h, of_block, context) : block(h, of_block, context);
  };
  for (size_t i = 0; i < blocks_.size(); ++i) {
    if (i > 0 && int64_t(i) == first_temporal) h = add_frame_positions(h, grid);
    h = run(blocks_[i], condition.of_blocks[condition.of_blocks.size() == 1 ? 0 : i]);
  }
  for (const JointBlock& block : joint_blocks_) h = run(block, condition.of_blocks[0]);
  if (config_.conditioning == Conditioning::in_context) h = slice(h, 1, 0, grid.tokens());
  const Tensor tokens =
      reshape(final_layer_(h, condition.of_last), {context.batch, grid.tokens(), config_.out_volume()});
  const Tensor out = unpatchify(tokens, grid, config_.patch, config_.patch_order);
  return x.rank() == 4 ? squeeze(out, 1) : out;
}

/// Clips [B, F, C, H, W] -> [B, T, D], with the positions that are added at the input.
Tensor DiT::embed(const Tensor& clips, const PatchGrid& grid) const {
  Tensor h = x_embedder_(clips);
  if (const Tensor table = positions_.spatial(grid, h.dtype()); table.defined()) {
    // One frame's table for every frame.
    h = grid.frames == 1 ? h + table
                         : reshape(reshape(h, {h.size(0), grid.frames, -1, config_.hidden}) + table, h.shape());
  }
  if (pos_embedder_) h = h + (*pos_embedder_)(coordinate_features(grid, config_.frequency_bands, clips.dtype()));
  return config_.first_temporal_block() == 0 ? add_frame_positions(h, grid) : h;
}

/// h holds the tokens of clips, frame by frame, in any shape [..., D].
Tensor DiT::add_frame_positions(const Tensor& h, const PatchGrid& grid) const {
  const Tensor table = positions_.temporal(grid.frames, h.dtype());  // [1, frames, D]
  if (!table.defined()) return h;
  const Tensor frames = reshape(h, {-1, grid.frames, grid.rows * grid.columns, config_.hidden});
  return reshape(frames + unsqueeze(table, 2), h.shape());
}

DiTContext DiT::context_of(const Tensor& clips, const EncodedText& text, const Conditions& conditions) const {
  DiTContext context{.batch = clips.size(0), .grid = patch_grid(clips.shape(), config_.patch)};
  add_rotary_tables(context, clips.dtype());
  if (text.tokens.defined()) add_text(context, text);
  if (config_.conditioning == Conditioning::cross_attention) context.condition = conditions.tokens;
  return context;
}

EncodedText DiT::encode_text(const DiTCondition& conditions) const {
  if (text_encoder_) return (*text_encoder_)(conditions.conditions);
  EncodedText text;
  if (caption_projection_) text.tokens = (*caption_projection_)(conditions.text);
  if (context_embedder_) text.tokens = (*context_embedder_)(conditions.text);
  text.mask = conditions.text_mask;
  return text;
}

void DiT::add_text(DiTContext& context, const EncodedText& text) const {
  const int64_t batch = context.batch, length = text.tokens.size(1);
  const bool joint = config_.conditioning == Conditioning::joint_streams;
  if (joint && context.joint.cosines.defined()) context.joint = with_unrotated(context.joint, length);
  if (!joint) context.text = text.tokens;
  if (!text.mask.defined()) return;
  context.text_mask = reshape(text.mask, {batch, 1, 1, length});
  if (joint)
    context.text_mask = cat({ones({batch, 1, 1, context.grid.tokens()}, DType::boolean), context.text_mask}, -1);
}

void DiT::add_rotary_tables(DiTContext& context, DType dtype) const {
  if (config_.rotary == Rotary::none) return;
  const PatchGrid& grid = context.grid;
  const auto table = [&](const PatchGrid& positions) {
    return config_.rotary == Rotary::spatial
               ? spatial_rotary_table(positions, config_.head_size(), config_.rope_base, dtype)
               : rotary_table(positions, config_.head_size(), config_.rope_base, dtype);
  };
  if (config_.attention != AttentionLayout::joint) {
    context.spatial = table({1, grid.rows, grid.columns});
    context.temporal = table({grid.frames, 1, 1});
    return;
  }
  context.joint = table(grid);
  if (config_.conditioning == Conditioning::in_context)
    context.joint = with_unrotated(context.joint, config_.condition_tokens());
}

DiT::Conditions DiT::embed_conditions(const Tensor& t, const DiTCondition& conditions, const EncodedText& text,
                                      int64_t frames) const {
  const auto modulating = [&](const Tensor& condition) {  // [B, 1 or frames, D] -> [G, D], of samples or frames
    return silu(reshape(condition, {-1, config_.hidden}));
  };
  Conditions all;
  for (const ConditionEmbedder& embedder : embedders_) {
    const Tensor time = embedder.times(t, frames), condition = embedder.conditions(conditions);
    if (config_.condition_tokens() > 0) {
      all.tokens = condition.defined() ? cat({time, condition}, 1) : time;
      all.of_blocks.emplace_back();
      continue;
    }
    Tensor sum = condition.defined() ? time + condition : time;
    if (prompt_embedder_) sum = sum + (*prompt_embedder_)(text, frames);
    if (t_block_) {
      all.of_blocks.push_back((*t_block_)(modulating(sum)));
      all.of_last = reshape(sum, {-1, config_.hidden});
      continue;
    }
    all.of_blocks.push_back(modulating(sum));
    // The last layer of a Latte with text embeddings sees the time alone.
    if (!all.of_last.defined())
      all.of_last = config_.condition() == Condition::text_embedding ? modulating(time) : all.of_blocks[0];
  }
  return all;
}

void DiT::visit(nn::Visitor& v) {  // PyTorch lists a module's own tensors before those of its submodules
  positions_.visit(v);
  v("x_embedder", x_embedder_);
  v("pos_embedder", pos_embedder_);
  if (config_.per_block_embedders) v("embedders", embedders_);
  else
    for (ConditionEmbedder& embedder : embedders_) embedder.visit(v);
  v("text_encoder", text_encoder_);
  v("prompt_embedder", prompt_embedder_);
  v("y_embedder.y_proj", caption_projection_);
  v("context_embedder", context_embedder_);
  v("t_block.1", t_block_);
  v("blocks", blocks_);
  v("joint_blocks", joint_blocks_);
  v("final_layer", final_layer_);
}

}  // namespace ditharos::models
