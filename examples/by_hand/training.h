#pragma once
// Repeats step [10]: the exercise's network learns to predict the noise.
#include <functional>

#include "examples/by_hand/walk.h"

namespace ditharos::by_hand {

struct TrainingOptions {
  int64_t steps = 600, batch = 32;
  double learning_rate = .02, momentum = .9;
  uint64_t seed = 0;
};

/// Noised latents of a run's video at random steps t from 1 to T, with fresh noise.
struct NoisedBatch {
  Tensor latents;    ///< [B, T, width]
  Tensor condition;  ///< [B, 3 + bits]
  Tensor noise;      ///< [B, T, width]: the target
};
NoisedBatch draw_noised(const Run& run, int64_t count, Generator& rng);

/// Trains the run's model in place by SGD with momentum and gradients clipped to a norm of 1; encoder and decoder are
/// frozen. `report` gets the mean squared error over 256 fixed draws before the first step, after each eighth of the
/// steps and after the last one. Equal runs and options give equal weights.
void train(Run& run, const TrainingOptions& options, const std::function<void(int64_t step, double loss)>& report = {});

}  // namespace ditharos::by_hand
