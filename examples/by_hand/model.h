#pragma once
// The exercise's diffusion transformer, steps [4] to [9] of docs/sora.md: small enough to compute by hand, with the
// kinds of layers that the real one has. Vectors are rows here, as everywhere in the library; the exercise writes them
// as columns, so its matrices are these transposed.
#include <cstdint>
#include <string>

#include <ditharos/nn/linear.h>

namespace ditharos::by_hand {

/// Length of a prompt's vector.
inline constexpr int64_t prompt_width = 3;

/// The vectors of a prompt's words, [words, 3] in f64: whole numbers from -3 to 3. The words of "sora is sky" have
/// vectors of their own, whose sum is the article's [0, 1, -1]; another word's are drawn from its letters alone. Case
/// and punctuation do not matter. ConfigError for a prompt without any word.
Tensor word_vectors(const std::string& prompt);
/// Their sum, [3]: the prompt's vector of step [4].
Tensor prompt_vector(const std::string& prompt);
/// Step [4], [3 + bits]: the prompt's vector, then the step's binary digits, most significant first. ConfigError for a
/// prompt without words, and for a step that does not fit into `bits` bits.
Tensor condition_vector(const std::string& prompt, int64_t step, int64_t bits);

/// The standard deviation of the noise that step t of `steps` begins with: steps + 1 - t. The larger t, the smaller the
/// noise, as the article has it (in DDPM it is the other way round); the last step has noise of size 1, and each step
/// takes away one noise.
double noise_level(int64_t t, int64_t steps);

/// How [7] turns scores into the attention matrix.
enum class Attention {
  /// Weight 1 for the key with the largest score, else 0: whole numbers stay whole, and q and k get no gradient.
  hard,
  /// Softmax of the scores / sqrt(width), as in real transformers.
  soft
};

struct HandDiTConfig {
  int64_t width = 2;      ///< length of a patch's latent vector
  int64_t condition = 5;  ///< length of the condition
  Attention attention = Attention::hard;
};

/// The results of the steps [5] to [9] for T patches.
struct Stages {
  Tensor modulation;                        ///< [5] [B, 2 width]: scale, then shift
  Tensor scale, shift;                      ///< [5] [B, width]
  Tensor conditioned;                       ///< [6] [B, T, width]
  Tensor queries, keys, scores, attention;  ///< [7] [B, T, width] twice, [B, T, T] twice: row: query, column: key
  Tensor pooled;                            ///< [8] [B, T, width]
  Tensor predicted;                         ///< [9] [B, T, width]
};

/// Adaptive norm that only scales and shifts, self-attention whose values are the patches themselves, one linear map.
class HandDiT : public nn::Module<HandDiT> {
 public:
  HandDiT() = default;
  HandDiT(const HandDiTConfig& config, Generator& rng);

  /// Noised latents [B, T, width] and conditions [B, condition] -> the predicted noise, [B, T, width].
  Tensor forward(const Tensor& latents, const Tensor& condition) const;
  /// The same, with all intermediate results.
  Stages stages(const Tensor& latents, const Tensor& condition) const;
  void visit(nn::Visitor& v) override;

  const HandDiTConfig& config() const { return config_; }

  nn::Linear ada_ln, query, key, feed_forward;

 private:
  HandDiTConfig config_;
};

}  // namespace ditharos::by_hand
