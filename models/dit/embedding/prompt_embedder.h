#pragma once
// A prompt's part of the condition, for each frame of a clip.
#include <optional>

#include <ditharos/models/text/encoder.h>
#include <ditharos/nn/linear.h>

namespace ditharos::models {

/// A small network of a prompt's vectors and of the position of a frame in its clip,
/// fc2(silu(fc1(text) (1 + gate(position)))). Its output is added to the time's embedding and modulates the blocks.
/// Text and position are multiplied because what a prompt such as "from left to right" describes differs from frame to
/// frame. The text enters twice: as the mean of the encoder's outputs and as the mean of the words' embeddings. Early
/// in training the encoder may learn to ignore words that the network cannot draw yet; the second mean keeps them.
class PromptEmbedder : public nn::Module<PromptEmbedder> {
 public:
  PromptEmbedder() = default;
  /// bands: frequency bands of the frames' coordinate_features; 0: the same for all frames.
  PromptEmbedder(int64_t text_width, int64_t bands, int64_t width, Generator& rng);

  /// [B, F, D] for clips of F frames of patches, or [B, 1, D] when it is the same for all frames.
  Tensor forward(const EncodedText& text, int64_t frames) const;
  void visit(nn::Visitor& v) override;

 private:
  int64_t bands_ = 0;
  nn::Linear fc1_, fc2_;
  std::optional<nn::Linear> gate_;
};

/// Parameters of a PromptEmbedder, without building it.
[[nodiscard]] int64_t count_prompt_embedder(int64_t text_width, int64_t bands, int64_t width);

}  // namespace ditharos::models
