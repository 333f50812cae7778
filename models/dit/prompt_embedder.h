#pragma once
// A prompt's part of the condition, for each frame of a clip.
#include <optional>

#include <ditharos/models/text/encoder.h>
#include <ditharos/nn/linear.h>

namespace ditharos::models {

/// A small network of a prompt's vectors and of the position of a frame in its clip. Its output, added to the time's
/// embedding, modulates the blocks: fc2(silu(fc1(text) (1 + gate(position)))). "From left to right" asks for another
/// image at the beginning than at the end, so text and position are multiplied. The text enters twice: as the mean of
/// the encoder's outputs and as the mean of the words' embeddings. Early in training the encoder may learn to ignore
/// words that the network cannot draw yet; the second mean keeps all words.
class PromptEmbedder : public nn::Module<PromptEmbedder> {
 public:
  PromptEmbedder() = default;
  /// bands: frequency bands of the frames' coordinate_features; 0: the same for all frames.
  PromptEmbedder(int64_t text_width, int64_t bands, int64_t width, Generator& rng);

  /// For clips of F frames of patches [B, F, D], or [B, 1, D] when all are the same.
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
