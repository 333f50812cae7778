#include <ditharos/models/dit/embedding/prompt_embedder.h>

#include <ditharos/autograd/ops.h>
#include <ditharos/models/dit/embedding/coordinates.h>

namespace ditharos::models {

PromptEmbedder::PromptEmbedder(int64_t text_width, int64_t bands, int64_t width, Generator& rng)
    : bands_(bands), fc1_(2 * text_width, width, rng), fc2_(width, width, rng) {
  fc2_.weight = nn::Parameter(nn::init::normal({width, width}, .02, rng));  // as the time embedding starts
  fc1_.keep_f32();
  fc2_.keep_f32();
  if (bands > 0) gate_.emplace(coordinate_width(bands), width, rng).keep_f32();
}

Tensor PromptEmbedder::forward(const EncodedText& text, int64_t frames) const {
  // Normalised, since the mean over many tokens is small.
  Tensor hidden = unsqueeze(fc1_(cat({layer_norm(text.pooled), layer_norm(text.words)}, -1)), 1);  // [B, 1, D]
  if (gate_) hidden = hidden * (1.0 + (*gate_)(coordinate_features({frames, 1, 1}, bands_, hidden.dtype())));
  return fc2_(silu(hidden));
}

void PromptEmbedder::visit(nn::Visitor& v) {
  v("fc1", fc1_);
  v("fc2", fc2_);
  v("gate", gate_);
}

int64_t count_prompt_embedder(int64_t text_width, int64_t bands, int64_t width) {
  const auto linear = [&](int64_t in) { return (in + 1) * width; };
  return linear(2 * text_width) + linear(width) + (bands > 0 ? linear(coordinate_width(bands)) : 0);
}

}  // namespace ditharos::models
