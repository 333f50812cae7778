#pragma once
// The exercise's numbers: those that the article states, and a consistent set of small whole numbers around them.
#include <string>
#include <vector>

#include <ditharos/models/autoencoder/linear.h>
#include "examples/by_hand/model.h"

namespace ditharos::by_hand {

/// A matrix by rows, as the exercise writes it.
using Rows = std::vector<std::vector<double>>;
/// In f64.
Tensor matrix(const Rows& rows);

/// The inputs of the exercise.
inline constexpr const char* exercise_prompt = "sora is sky";
inline constexpr int64_t exercise_step = 3, exercise_bits = 2;
Tensor exercise_video();  ///< [4, 1, 2, 2]
Tensor exercise_noise();  ///< [1, 4, 2]: of four patches

/// The sizes and the form of attention of a run.
struct Sizes {
  models::PatchSize patch = {1, 2, 2};
  int64_t width = 2, bits = exercise_bits;
};

/// The encoder and decoder of [2] and [12]. The exercise's weights where they fit the sizes, otherwise small numbers
/// drawn from `rng`.
models::LinearAutoencoder make_autoencoder(const Sizes& sizes, Generator& rng);
/// The network of [5] to [9]. With hard attention the exercise's weights where they fit, otherwise -1, 0 or 1 drawn
/// from `rng`; with soft attention, whose weights are learned, Xavier's uniform ones. `as_printed` takes the bias of
/// [5] that gives the article's misprinted shift [-1, 5] instead of [1, 5]; ConfigError when the exercise's weights do
/// not fit.
HandDiT make_model(const Sizes& sizes, Attention attention, bool as_printed, Generator& rng);

/// The numbers that the article states for the matrix of this symbol, as rows; NaN where it states none. Empty for a
/// symbol that the article does not show.
Rows stated_by_article(const std::string& symbol);

}  // namespace ditharos::by_hand
