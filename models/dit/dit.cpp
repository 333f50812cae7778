#include <ditharos/models/dit/dit.h>

#include <ditharos/autograd/grad_mode.h>
#include <ditharos/autograd/ops.h>
#include <ditharos/models/dit/coordinates.h>
#include <ditharos/models/dit/position_table.h>
#include <ditharos/nn/checkpoint.h>

namespace ditharos::models {

DiT::DiT(const DiTConfig& config, Generator& rng) : config_(config) {
  config.validate();
  const int64_t width = config.hidden, bands = config.frequency_bands;
  if (config.positions == Positions::sin_cos) pos_embed_ = position_table(config.rows(), config.columns(), width);
  x_embedder_ = PatchEmbed(config.channels, config.patch, config.patch_order, width, rng);
  if (bands > 0) pos_embedder_.emplace(coordinate_width(bands), width, rng).keep_f32();
  switch (config.step_embedding) {
    case StepEmbedding::sinusoidal: t_embedder_.emplace(width, rng); break;
    case StepEmbedding::binary: step_embedder_.emplace(config.step_bits, width, rng).keep_f32();
  }
  switch (config.condition()) {
    case Condition::none: break;
    case Condition::label: label_table_.emplace(config.classes + 1, width, rng, .02); break;
    case Condition::prompt:
      text_encoder_.emplace(config.text, rng);
      prompt_embedder_.emplace(config.text.width, bands, width, rng);
  }
  for (int64_t i = 0; i < config.depth; ++i) blocks_.emplace_back(config, rng, i);
  final_layer_ = FinalLayer(width, config.out_volume(), rng);
}

Tensor DiT::forward(const Tensor& x, const Tensor& t, const Tensor& conditions, FeatureCache* cache) const {
  check_inputs(x, t, conditions);
  const Tensor clips = as_clips(x);
  const EncodedText text = text_encoder_ ? (*text_encoder_)(conditions) : EncodedText{};
  DiTContext context = context_of(clips, text);
  context.cache = cache;
  const PatchGrid& grid = context.grid;
  const Tensor silu_condition = silu(condition(t, conditions, text, grid.frames));  // [G, D], of samples or frames

  Tensor h = reshape(embed(clips, grid), {silu_condition.size(0), -1, config_.hidden});  // [G, B T / G, D]
  if (cache != nullptr) cache->begin_call(h.shape());
  const bool recompute = recompute_ && grad_enabled();
  for (const DiTBlock& block : blocks_)
    h = recompute ? nn::checkpoint(block, h, silu_condition, context) : block(h, silu_condition, context);
  const Tensor tokens = reshape(final_layer_(h, silu_condition), {context.batch, grid.tokens(), config_.out_volume()});
  const Tensor out = unpatchify(tokens, grid, config_.patch, config_.patch_order);
  return x.rank() == 4 ? squeeze(out, 1) : out;
}

Tensor DiT::embed(const Tensor& clips, const PatchGrid& grid) const {
  Tensor h = x_embedder_(clips);  // [B, T, D]
  if (pos_embed_.defined()) h = h + to(pos_embed_, h.dtype());
  if (pos_embedder_) h = h + (*pos_embedder_)(coordinate_features(grid, config_.frequency_bands, clips.dtype()));
  return h;
}

DiTContext DiT::context_of(const Tensor& clips, const EncodedText& text) const {
  DiTContext context{.batch = clips.size(0), .grid = patch_grid(clips.shape(), config_.patch)};
  const PatchGrid& grid = context.grid;
  if (config_.positions == Positions::rotary) {
    const auto table = [&](const PatchGrid& positions) {
      return rotary_table(positions, config_.head_size(), config_.rope_base, clips.dtype());
    };
    switch (config_.attention) {
      case AttentionLayout::joint: context.joint = table(grid); break;
      case AttentionLayout::factorised:
        context.spatial = table({1, grid.rows, grid.columns});
        context.temporal = table({grid.frames, 1, 1});
    }
  }
  if (text.tokens.defined()) {
    context.text = text.tokens;
    context.text_mask = reshape(text.mask, {context.batch, 1, 1, text.mask.size(1)});
  }
  return context;
}

/// [B] -> [B, 1, D]; [B, F] -> [B, frames of the grid, D].
Tensor DiT::embed_times(const Tensor& t, int64_t frames) const {
  const Tensor times = reshape(t, {t.numel()});
  const Tensor embedded =
      t_embedder_ ? (*t_embedder_)(times) : (*step_embedder_)(nn::binary_features(times, config_.step_bits));
  if (t.rank() == 1) return unsqueeze(embedded, 1);
  const Tensor of_frames = reshape(embedded, {t.size(0), frames, config_.patch.frames, config_.hidden});
  return config_.patch.frames == 1 ? squeeze(of_frames, 2) : mean(of_frames, {2});
}

Tensor DiT::condition(const Tensor& t, const Tensor& conditions, const EncodedText& text, int64_t frames) const {
  Tensor condition = embed_times(t, frames);
  if (label_table_) condition = condition + unsqueeze((*label_table_)(conditions), 1);
  if (prompt_embedder_) condition = condition + (*prompt_embedder_)(text, frames);
  return reshape(condition, {-1, config_.hidden});
}

void DiT::check_inputs(const Tensor& x, const Tensor& t, const Tensor& conditions) const {
  const bool image = x.rank() == 4, table = config_.positions == Positions::sin_cos;
  check<ShapeError>((image || x.rank() == 5) && x.size(-3) == config_.channels, "[DiT] x must have shape [B, ",
                    config_.channels, ", H, W], or [B, F, ", config_.channels, ", H, W] for clips, got ", x.shape());
  check<ShapeError>(x.numel() > 0, "[DiT] x holds no sample: its shape is ", x.shape());
  const int64_t batch = x.size(0), frames = image ? 1 : x.size(1);
  check<ShapeError>(!table || (frames == 1 && x.size(-2) == config_.height && x.size(-1) == config_.width),
                    "[DiT] x must be images of ", config_.height, "x", config_.width, ", of which the model has its ",
                    "position table: shape [B, ", config_.channels, ", ", config_.height, ", ", config_.width,
                    "], got ", x.shape());
  check<ShapeError>(t.shape() == Shape{batch} || t.shape() == Shape{batch, frames},
                    "[DiT] t must have one time per sample, shape [", batch, "], or per frame, [", batch, ", ", frames,
                    "]; got ", t.shape());
  switch (config_.condition()) {
    case Condition::none:
      check<ShapeError>(!conditions.defined(), "[DiT] this model has no conditions: call it without");
      return;
    case Condition::label: return check_labels(conditions, batch);
    case Condition::prompt:
      check<ShapeError>(conditions.defined() && conditions.rank() == 2 && conditions.size(0) == batch,
                        "[DiT] prompts must have one row of tokens per sample, shape [", batch, ", L], got ",
                        conditions.defined() ? to_text(conditions.shape()) : "none");
  }
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
  v.buffer("pos_embed", pos_embed_);
  v("x_embedder", x_embedder_);
  v("pos_embedder", pos_embedder_);
  v("t_embedder", t_embedder_);
  v("t_embedder", step_embedder_);
  v("y_embedder.embedding_table", label_table_);
  v("text_encoder", text_encoder_);
  v("prompt_embedder", prompt_embedder_);
  v("blocks", blocks_);
  v("final_layer", final_layer_);
}

}  // namespace ditharos::models
