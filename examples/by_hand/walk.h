#pragma once
// A run of the exercise: from a video, a prompt and a number of steps to a new video, with a trace of every number.
#include <optional>
#include <string>

#include "examples/by_hand/exercise.h"
#include "examples/by_hand/trace.h"

namespace ditharos::by_hand {

struct Run {
  Tensor video;  ///< [F, 1, H, W] in f64; undefined when `generate`
  std::string prompt;
  std::optional<int64_t> steps;  ///< T; they count from 1, and the last one has the smallest noise
  bool all_steps = false;        ///< run the steps 1 to T; otherwise T alone, which is the exercise
  bool generate = false;         ///< begin with noise alone: without the steps [1], [2] and [10]
  Sizes sizes;
  models::PatchGrid grid;  ///< of the video, or of the one to be generated
  models::LinearAutoencoder autoencoder;
  HandDiT model;
  Tensor noise;                 ///< [1, grid.tokens(), width]
  double learning_rate = .001;  ///< of the SGD step that [10] tries
};

struct Result {
  Trace trace;
  Tensor video;                     ///< the new one, [F, 1, H, W]
  Tensor denoised;                  ///< [11] of the last step, [1, T, width]
  double loss = 0, loss_after = 0;  ///< [10] of the last step: before an SGD step, and after it
};

/// Computes the steps [1] to [13]. The run's model is not changed. ConfigError for a video, prompt or step that is
/// missing and for a step that the binary vector cannot hold, ShapeError for a noise or video of another shape.
Result walk(const Run& run);

/// ConfigError for more patches than the exercise supports, before memory is allocated for them.
void check_patch_count(const models::PatchGrid& grid);

/// Step [3]: latent + level * noise; ShapeError unless the shapes are equal.
Tensor add_noise(const Tensor& latent, const Tensor& noise, double level);

/// [1] and [2]: the latent vectors of a video [F, 1, H, W], one per patch: [1, T, width].
Tensor latents_of(const Tensor& video, const Run& run);

}  // namespace ditharos::by_hand
