#include <ditharos/models/dit/input_checks.h>

namespace ditharos::models {
namespace {

std::string shape_text(const Tensor& x) { return x.defined() ? to_text(x.shape()) : "none"; }

void check_size(const DiTConfig& config, const Tensor& x) {
  if (config.positions == Positions::none || config.variable_size) return;
  const int64_t frames = x.rank() == 4 ? 1 : x.size(1), expected = config.frames;
  const bool fits = frames == expected && x.size(-2) == config.height && x.size(-1) == config.width;
  if (expected == 1) {
    check<ShapeError>(fits, "[DiT] x must be images of ", config.height, "x", config.width, ", of which the model ",
                      "has its position table: shape [B, ", config.channels, ", ", config.height, ", ", config.width,
                      "], got ", x.shape());
  }
  check<ShapeError>(fits, "[DiT] x must be clips of ", expected, " frames of ", config.height, "x", config.width,
                    ", of which the model has its position tables: shape [B, ", expected, ", ", config.channels, ", ",
                    config.height, ", ", config.width, "], got ", x.shape());
}

void check_text_embedding(const DiTConfig& config, const Tensor& embedding, int64_t batch) {
  check<ShapeError>(embedding.defined() && embedding.rank() >= 2 && embedding.size(0) == batch &&
                        embedding.numel() == batch * config.text_embedding,
                    "[DiT] text embeddings must hold ", config.text_embedding, " numbers per sample, shape [", batch,
                    ", ...], got ", shape_text(embedding));
}

void check_labels(const DiTConfig& config, const Tensor& labels, int64_t batch) {
  check<ShapeError>(labels.defined() && labels.shape() == Shape{batch}, "[DiT] labels must have one class per sample, ",
                    "shape [", batch, "], got ", shape_text(labels));
  check<DTypeError>(labels.dtype() == DType::i64, "[DiT] labels must be i64, got ", labels.dtype());
  for (const int64_t label : labels.to_vector<int64_t>()) {
    check<Error>(label >= 0 && label <= config.classes, "[DiT] a label must be in [0, ", config.classes - 1, "] or ",
                 config.classes, " for no class, got ", label);
  }
}

/// The conditions that are not DiTCondition::conditions: those that the configuration names, and no others.
void check_text(const DiTConfig& config, const DiTCondition& given, int64_t batch) {
  const int64_t channels = config.caption_channels, pooled = config.pooled_projection_dim;
  const auto check_absent = [](const char* name, const Tensor& x) {
    check<ShapeError>(!x.defined(), "[DiT] this model takes no ", name, "; got ", shape_text(x));
  };
  if (channels == 0) {
    check_absent("text features", given.text);
    check_absent("text_mask", given.text_mask);
  } else {
    check<ShapeError>(given.text.defined() && given.text.rank() == 3 && given.text.size(0) == batch &&
                          given.text.size(1) >= 1 && given.text.size(2) == channels,
                      "[DiT] this model takes features of texts, DiTCondition::text, of shape [", batch, ", L, ",
                      channels, "]; got ", shape_text(given.text));
    if (given.text_mask.defined()) {
      check<ShapeError>(given.text_mask.shape() == Shape{batch, given.text.size(1)}, "[DiT] text_mask must have shape ",
                        "[", batch, ", ", given.text.size(1), "], got ", given.text_mask.shape());
      check<DTypeError>(given.text_mask.dtype() == DType::boolean, "[DiT] text_mask must be bool (true: a token), got ",
                        given.text_mask.dtype());
    }
  }
  if (pooled == 0) check_absent("pooled vectors of texts", given.pooled);
  else
    check<ShapeError>(given.pooled.defined() && given.pooled.shape() == Shape{batch, pooled}, "[DiT] this model takes ",
                      "a vector of each text, DiTCondition::pooled, of shape [", batch, ", ", pooled, "]; got ",
                      shape_text(given.pooled));
}

void check_sizes(const DiTConfig& config, const DiTCondition& given, int64_t batch) {
  const Tensor &resolution = given.resolution, &ratio = given.aspect_ratio;
  if (!config.size_conditions) {
    check<ShapeError>(!resolution.defined() && !ratio.defined(), "[DiT] this model takes no resolution and no ",
                      "aspect_ratio; got ", shape_text(resolution), " and ", shape_text(ratio));
    return;
  }
  check<ShapeError>(resolution.defined() && resolution.shape() == Shape{batch, 2} && ratio.defined() &&
                        (ratio.shape() == Shape{batch} || ratio.shape() == Shape{batch, 1}),
                    "[DiT] this model takes DiTCondition::resolution of shape [", batch, ", 2] and aspect_ratio of ",
                    "shape [", batch, "]; got ", shape_text(resolution), " and ", shape_text(ratio));
}

/// One time per sample, or per frame.
void check_times(const DiTConfig& config, const Tensor& t, int64_t batch, int64_t frames) {
  check<ShapeError>(t.shape() == Shape{batch} || t.shape() == Shape{batch, frames},
                    "[DiT] t must have one time per sample, shape [", batch, "], or per frame, [", batch, ", ", frames,
                    "]; got ", t.shape());
  check<ShapeError>(t.rank() == 1 || config.condition_tokens() == 0, "[DiT] this model takes one time per sample, ",
                    "shape [", batch, "], because its condition is tokens; got ", t.shape());
  check<ShapeError>(t.rank() == 1 || config.conditioning != Conditioning::joint_streams, "[DiT] this model takes one ",
                    "time per sample, shape [", batch, "], because the text is a stream of its own; got ", t.shape());
}

}  // namespace

void check_inputs(const DiTConfig& config, const Tensor& x, const Tensor& t, const DiTCondition& given) {
  const Tensor& conditions = given.conditions;
  const bool image = x.rank() == 4;
  check<ShapeError>((image || x.rank() == 5) && x.size(-3) == config.channels, "[DiT] x must have shape [B, ",
                    config.channels, ", H, W], or [B, F, ", config.channels, ", H, W] for clips, got ", x.shape());
  check<ShapeError>(x.numel() > 0, "[DiT] x holds no sample: its shape is ", x.shape());
  check_size(config, x);
  const int64_t batch = x.size(0), frames = image ? 1 : x.size(1);
  check<ShapeError>(!config.interval_times || t.shape() == Shape{batch, 2}, "[DiT] this model takes the two times of ",
                    "an interval per sample, shape [", batch, ", 2]; got ", t.shape());
  if (!config.interval_times) check_times(config, t, batch, frames);
  check_text(config, given, batch);
  check_sizes(config, given, batch);
  switch (config.condition()) {
    case Condition::text:
      check<ShapeError>(!conditions.defined(), "[DiT] this model takes features of texts, DiTCondition::text, and no ",
                        "other conditions; got ", shape_text(conditions));
      return;
    case Condition::none:
      check<ShapeError>(!conditions.defined(), "[DiT] this model has no conditions: call it without");
      return;
    case Condition::label: return check_labels(config, conditions, batch);
    case Condition::text_embedding: return check_text_embedding(config, conditions, batch);
    case Condition::prompt:
      check<ShapeError>(conditions.defined() && conditions.rank() == 2 && conditions.size(0) == batch,
                        "[DiT] prompts must have one row of tokens per sample, shape [", batch, ", L], got ",
                        shape_text(conditions));
  }
}

}  // namespace ditharos::models
