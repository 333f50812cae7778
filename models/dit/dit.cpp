#include <ditharos/models/dit/dit.h>

#include <ditharos/autograd/grad_mode.h>
#include <ditharos/autograd/ops.h>
#include <ditharos/models/dit/embedding/coordinates.h>
#include <ditharos/nn/checkpoint.h>

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
  for (int64_t i = 0; i < config.depth; ++i) blocks_.emplace_back(config, rng, i);
  final_layer_ = FinalLayer(config, rng);
}

Tensor DiT::forward(const Tensor& x, const Tensor& t, const Tensor& conditions) const {
  check_inputs(x, t, conditions);
  const Tensor clips = as_clips(x);
  const PatchGrid grid = patch_grid(clips.shape(), config_.patch);
  const EncodedText text = text_encoder_ ? (*text_encoder_)(conditions) : EncodedText{};
  const Conditions condition = embed_conditions(t, conditions, text, grid.frames);
  const DiTContext context = context_of(clips, text, condition);
  const int64_t first_temporal = config_.first_temporal_block();

  const int64_t groups = condition.of_last.defined() ? condition.of_last.size(0) : context.batch;
  Tensor h = reshape(embed(clips, grid), {groups, -1, config_.hidden});  // [G, B T / G, D]
  if (config_.conditioning == Conditioning::in_context) h = cat({h, condition.tokens}, 1);
  const bool recompute = recompute_ && grad_enabled();
  for (size_t i = 0; i < blocks_.size(); ++i) {
    if (i > 0 && int64_t(i) == first_temporal) h = add_frame_positions(h, grid);
    const Tensor& silu_condition = condition.of_blocks[condition.of_blocks.size() == 1 ? 0 : i];
    h = recompute ? nn::checkpoint(blocks_[i], h, silu_condition, context) : blocks_[i](h, silu_condition, context);
  }
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
  if (text.tokens.defined()) {
    context.text = text.tokens;
    context.text_mask = reshape(text.mask, {context.batch, 1, 1, text.mask.size(1)});
  }
  if (config_.conditioning == Conditioning::cross_attention) context.condition = conditions.tokens;
  return context;
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

DiT::Conditions DiT::embed_conditions(const Tensor& t, const Tensor& conditions, const EncodedText& text,
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
    all.of_blocks.push_back(modulating(sum));
    // The last layer of a Latte with text embeddings sees the time alone.
    if (!all.of_last.defined())
      all.of_last = config_.condition() == Condition::text_embedding ? modulating(time) : all.of_blocks[0];
  }
  return all;
}

void DiT::check_inputs(const Tensor& x, const Tensor& t, const Tensor& conditions) const {
  const bool image = x.rank() == 4;
  check<ShapeError>((image || x.rank() == 5) && x.size(-3) == config_.channels, "[DiT] x must have shape [B, ",
                    config_.channels, ", H, W], or [B, F, ", config_.channels, ", H, W] for clips, got ", x.shape());
  check<ShapeError>(x.numel() > 0, "[DiT] x holds no sample: its shape is ", x.shape());
  check_size(x);
  const int64_t batch = x.size(0), frames = image ? 1 : x.size(1);
  check<ShapeError>(t.shape() == Shape{batch} || t.shape() == Shape{batch, frames},
                    "[DiT] t must have one time per sample, shape [", batch, "], or per frame, [", batch, ", ", frames,
                    "]; got ", t.shape());
  check<ShapeError>(t.rank() == 1 || config_.condition_tokens() == 0, "[DiT] this model takes one time per sample, ",
                    "shape [", batch, "], because its condition is tokens; got ", t.shape());
  switch (config_.condition()) {
    case Condition::none:
      check<ShapeError>(!conditions.defined(), "[DiT] this model has no conditions: call it without");
      return;
    case Condition::label: return check_labels(conditions, batch);
    case Condition::text_embedding: return check_text_embedding(conditions, batch);
    case Condition::prompt:
      check<ShapeError>(conditions.defined() && conditions.rank() == 2 && conditions.size(0) == batch,
                        "[DiT] prompts must have one row of tokens per sample, shape [", batch, ", L], got ",
                        conditions.defined() ? to_text(conditions.shape()) : "none");
  }
}

void DiT::check_size(const Tensor& x) const {
  if (config_.positions == Positions::none || config_.variable_size) return;
  const int64_t frames = x.rank() == 4 ? 1 : x.size(1), expected = config_.frames;
  const bool fits = frames == expected && x.size(-2) == config_.height && x.size(-1) == config_.width;
  if (expected == 1) {
    check<ShapeError>(fits, "[DiT] x must be images of ", config_.height, "x", config_.width, ", of which the model ",
                      "has its position table: shape [B, ", config_.channels, ", ", config_.height, ", ",
                      config_.width, "], got ", x.shape());
  }
  check<ShapeError>(fits, "[DiT] x must be clips of ", expected, " frames of ", config_.height, "x", config_.width,
                    ", of which the model has its position tables: shape [B, ", expected, ", ", config_.channels, ", ",
                    config_.height, ", ", config_.width, "], got ", x.shape());
}

void DiT::check_text_embedding(const Tensor& embedding, int64_t batch) const {
  check<ShapeError>(embedding.defined() && embedding.rank() >= 2 && embedding.size(0) == batch &&
                        embedding.numel() == batch * config_.text_embedding,
                    "[DiT] text embeddings must hold ", config_.text_embedding, " numbers per sample, shape [", batch,
                    ", ...], got ", embedding.defined() ? to_text(embedding.shape()) : "none");
}

void DiT::check_labels(const Tensor& labels, int64_t batch) const {
  check<ShapeError>(labels.defined() && labels.shape() == Shape{batch}, "[DiT] labels must have one class per sample, ",
                    "shape [", batch, "], got ", labels.defined() ? to_text(labels.shape()) : "none");
  check<DTypeError>(labels.dtype() == DType::i64, "[DiT] labels must be i64, got ", labels.dtype());
  for (const int64_t label : labels.to_vector<int64_t>()) {
    check<Error>(label >= 0 && label <= config_.classes, "[DiT] a label must be in [0, ", config_.classes - 1, "] or ",
                 config_.classes, " for no class, got ", label);
  }
}

void DiT::visit(nn::Visitor& v) {  // PyTorch lists a module's own tensors before those of its submodules
  positions_.visit(v);
  v("x_embedder", x_embedder_);
  v("pos_embedder", pos_embedder_);
  if (config_.per_block_embedders) v("embedders", embedders_);
  else for (ConditionEmbedder& embedder : embedders_) embedder.visit(v);
  v("text_encoder", text_encoder_);
  v("prompt_embedder", prompt_embedder_);
  v("blocks", blocks_);
  v("final_layer", final_layer_);
}

}  // namespace ditharos::models
