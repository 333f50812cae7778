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
    case Condition::prompt:
    case Condition::text: break;  // these have embedders of their own
    case Condition::label: label_table_.emplace(config.classes + 1, width, rng, .02); break;
    case Condition::text_embedding: text_projection_.emplace(config.text_embedding, width, rng).keep_f32();
  }
  if (config.pooled_projection_dim > 0) {
    pooled_in_.emplace(config.pooled_projection_dim, width, rng).keep_f32();
    pooled_out_.emplace(width, width, rng).keep_f32();
  }
  if (config.size_conditions) {
    resolution_.emplace(width / 3, rng);
    aspect_ratio_.emplace(width / 3, rng);
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

Tensor ConditionEmbedder::conditions(const DiTCondition& all) const {
  const Tensor& conditions = all.conditions;
  Tensor sum;  // [B, D]
  const auto add = [&](const Tensor& embedding) { sum = sum.defined() ? sum + embedding : embedding; };
  if (label_table_) add((*label_table_)(conditions));
  if (text_projection_) add((*text_projection_)(silu(reshape(conditions, {conditions.size(0), -1}))));
  if (pooled_in_) add((*pooled_out_)(silu((*pooled_in_)(all.pooled))));
  if (resolution_) add(sizes(all));
  return sum.defined() ? unsqueeze(sum, 1) : sum;
}

/// [B, D]: a third each for height, width and their ratio.
Tensor ConditionEmbedder::sizes(const DiTCondition& all) const {
  const int64_t batch = all.resolution.size(0);
  const auto embedded = [&](const nn::TimestepEmbedder& embedder, const Tensor& numbers) {
    return reshape(embedder(reshape(numbers, {-1})), {batch, -1});
  };
  return cat({embedded(*resolution_, all.resolution), embedded(*aspect_ratio_, all.aspect_ratio)}, 1);
}

void ConditionEmbedder::visit(nn::Visitor& v) {
  v("t_embedder", t_embedder_);
  v("t_embedder", step_embedder_);
  v("y_embedder.embedding_table", label_table_);
  v("text_embedding_projection.1", text_projection_);
  v("y_embedder.mlp.0", pooled_in_);
  v("y_embedder.mlp.2", pooled_out_);
  v("csize_embedder", resolution_);
  v("ar_embedder", aspect_ratio_);
}

}  // namespace ditharos::models
