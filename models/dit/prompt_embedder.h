#pragma once
// What a prompt asks of each frame of a clip.
#include <optional>

#include <ditharos/models/text/encoder.h>
#include <ditharos/nn/linear.h>

namespace ditharos::models {

/// A small network from a prompt's vectors and from where in the clip a frame lies; its output, added to the time's
/// embedding, modulates the blocks: fc2(silu(fc1(text) (1 + gate(place)))). "From left to right" asks for another
/// picture at the beginning than at the end, so text and place are multiplied. And words alone tell nothing of where to
/// look for them before the network knows how to show them, and what tells nothing is unlearnt, so the text is given
/// twice: as the encoder understands it, and as a bag of words that it cannot unlearn.
class PromptEmbedder : public nn::Module<PromptEmbedder> {
 public:
  PromptEmbedder() = default;
  /// bands: of the frames' coordinate_features; 0: the same for all frames.
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
