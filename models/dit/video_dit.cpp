#include <ditharos/models/dit/video_dit.h>

#include <ditharos/autograd/grad_mode.h>
#include <ditharos/autograd/ops.h>
#include <ditharos/models/dit/coordinates.h>
#include <ditharos/nn/checkpoint.h>

namespace ditharos::models {
namespace {

/// The attention of block i: in a factorised model frames and places take turns.
AttentionSpan span_of(const VideoDiTConfig& config, int64_t i) {
  if (config.attention == VideoAttention::joint) return AttentionSpan::clip;
  return i % 2 == 0 ? AttentionSpan::frame : AttentionSpan::place;
}

}  // namespace

VideoDiT::VideoDiT(const VideoDiTConfig& config, Generator& rng) : config_(config) {
  config.validate();
  const int64_t width = config.hidden;
  x_embedder_ = nn::Linear(config.patch_volume(), width, rng);
  if (config.coordinate_octaves > 0) {
    pos_embedder_.emplace(coordinate_width(config.coordinate_octaves), width, rng).keep_f32();
  }
  if (config.step_embedding == StepEmbedding::sinusoidal) {
    t_embedder_.emplace(width, rng);
  } else {
    step_embedder_.emplace(config.step_bits, width, rng).keep_f32();
  }
  if (config.has_text()) {
    text_encoder_.emplace(config.text, rng);
    prompt_embedder_.emplace(config.text.width, config.coordinate_octaves, width, rng);
  }
  for (int64_t i = 0; i < config.depth; ++i) blocks_.emplace_back(config, span_of(config, i), rng);
  final_layer_ = FinalLayer(width, config.patch_volume(), rng);
}

Tensor VideoDiT::forward(const Tensor& x, const Tensor& t, const Tensor& prompts) const {
  check_inputs(x, t, prompts);
  const EncodedText text = text_encoder_ ? (*text_encoder_)(prompts) : EncodedText{};
  const ClipContext clip = context_of(x, text);
  const Tensor activated = silu(condition(t, text, clip.grid.frames));  // [G, D], one for each clip or its frames

  Tensor h = x_embedder_(patchify_video(x, config_.patch));  // [B, T, D]
  if (pos_embedder_) h = h + (*pos_embedder_)(coordinate_features(clip.grid, config_.coordinate_octaves, x.dtype()));
  h = reshape(h, {activated.size(0), -1, config_.hidden});   // [G, B T / G, D]
  const bool recompute = recompute_ && grad_enabled();
  for (const VideoBlock& block : blocks_)
    h = recompute ? nn::checkpoint(block, h, activated, clip) : block(h, activated, clip);
  const Tensor tokens = reshape(final_layer_(h, activated), {clip.batch, clip.grid.tokens(), config_.patch_volume()});
  return unpatchify_video(tokens, clip.grid, config_.patch);
}

ClipContext VideoDiT::context_of(const Tensor& x, const EncodedText& text) const {
  ClipContext clip{.batch = x.size(0), .grid = patch_grid(x.shape(), config_.patch)};
  const auto table = [&](const PatchGrid& grid) {
    return rotary_table(grid, config_.head_size(), config_.rope_base, x.dtype());
  };
  if (config_.attention == VideoAttention::joint) {
    clip.clip = table(clip.grid);
  } else {
    clip.frame = table({1, clip.grid.rows, clip.grid.columns});
    clip.place = table({clip.grid.frames, 1, 1});
  }
  if (text.tokens.defined()) {
    clip.text = text.tokens;
    clip.text_mask = reshape(text.mask, {clip.batch, 1, 1, text.mask.size(1)});
  }
  return clip;
}

Tensor VideoDiT::embed_times(const Tensor& t) const {
  return t_embedder_ ? (*t_embedder_)(t) : (*step_embedder_)(nn::binary_features(t, config_.step_bits));
}

Tensor VideoDiT::condition(const Tensor& t, const EncodedText& text, int64_t frames) const {
  const int64_t batch = t.size(0), span = config_.patch.frames, width = config_.hidden;
  Tensor embedded = embed_times(reshape(t, {t.numel()}));
  if (t.rank() == 1) {
    embedded = unsqueeze(embedded, 1);  // [B, 1, D]
  } else {
    embedded = reshape(embedded, {batch, frames, span, width});
    embedded = span == 1 ? squeeze(embedded, 2) : mean(embedded, {2});  // [B, frames, D]
  }
  if (prompt_embedder_) embedded = embedded + (*prompt_embedder_)(text, frames);
  return reshape(embedded, {-1, width});
}

void VideoDiT::check_inputs(const Tensor& x, const Tensor& t, const Tensor& prompts) const {
  check<ShapeError>(x.rank() == 5 && x.size(2) == config_.channels, "[VideoDiT] x must have shape [B, F, ",
                    config_.channels, ", H, W], got ", x.shape());
  const int64_t batch = x.size(0), frames = x.size(1);
  check<ShapeError>(x.numel() > 0, "[VideoDiT] x holds no clip: its shape is ", x.shape());
  check<ShapeError>(t.shape() == Shape{batch} || t.shape() == Shape{batch, frames},
                    "[VideoDiT] t must have one time a clip, shape [", batch, "], or one a frame, [", batch, ", ",
                    frames, "]; got ", t.shape());
  if (!config_.has_text()) {
    check<ShapeError>(!prompts.defined(), "[VideoDiT] this model has no text encoder: call it without prompts");
    return;
  }
  check<ShapeError>(prompts.defined() && prompts.rank() == 2 && prompts.size(0) == batch,
                    "[VideoDiT] prompts must have one row of tokens a clip, shape [", batch, ", L], got ",
                    prompts.defined() ? to_text(prompts.shape()) : "none");
}

void VideoDiT::visit(nn::Visitor& v) {
  v("x_embedder.proj", x_embedder_);
  v("pos_embedder", pos_embedder_);
  v("t_embedder", t_embedder_);
  v("t_embedder", step_embedder_);
  v("text_encoder", text_encoder_);
  v("prompt_embedder", prompt_embedder_);
  v("blocks", blocks_);
  v("final_layer", final_layer_);
}

}  // namespace ditharos::models
