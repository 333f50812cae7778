#include <ditharos/models/dit/embedding/condition_embedder.h>

#include <ditharos/autograd/ops.h>

namespace ditharos::models {

ConditionEmbedder::ConditionEmbedder(const DiTConfig& config, Generator& rng)
    : step_bits_(config.step_bits), patch_frames_(config.patch.frames) {
  const int64_t width = config.hidden;
  switch (config.step_embedding) {
    case StepEmbedding::sinusoidal: t_embedder_.emplace(width, rng, config.downscale_freq_shift); break;
    case StepEmbedding::binary: step_embedder_.emplace(config.step_bits, width, rng).keep_f32();
  }
  switch (config.condition()) {
    case Condition::none:
    case Condition::prompt: break;  // a prompt has embedders of its own
    case Condition::label: label_table_.emplace(config.classes + 1, width, rng, .02); break;
    case Condition::text_embedding: text_projection_.emplace(config.text_embedding, width, rng).keep_f32();
  }
}

Tensor ConditionEmbedder::times(const Tensor& t, int64_t frames) const {
  const Tensor times = reshape(t, {t.numel()});
  const Tensor embedded =
      t_embedder_ ? (*t_embedder_)(times) : (*step_embedder_)(nn::binary_features(times, step_bits_));  // [B F, D]
  if (t.rank() == 1) return unsqueeze(embedded, 1);
  const Tensor of_frames = reshape(embedded, {t.size(0), frames, patch_frames_, embedded.size(1)});
  return patch_frames_ == 1 ? squeeze(of_frames, 2) : mean(of_frames, {2});
}

Tensor ConditionEmbedder::conditions(const Tensor& conditions) const {
  if (label_table_) return unsqueeze((*label_table_)(conditions), 1);
  if (text_projection_)
    return unsqueeze((*text_projection_)(silu(reshape(conditions, {conditions.size(0), -1}))), 1);
  return {};
}

void ConditionEmbedder::visit(nn::Visitor& v) {
  v("t_embedder", t_embedder_);
  v("t_embedder", step_embedder_);
  v("y_embedder.embedding_table", label_table_);
  v("text_embedding_projection.1", text_projection_);
}

}  // namespace ditharos::models
