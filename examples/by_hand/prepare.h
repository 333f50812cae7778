#pragma once
// Builds a run of the exercise from the options of the command line.
#include <optional>
#include <string>
#include <vector>

#include "examples/by_hand/training.h"

namespace ditharos::by_hand {

struct Options {
  std::string prompt = exercise_prompt;
  std::string video;             ///< a text file of frames; "": the exercise's video, or one of the sizes below
  std::optional<int64_t> steps;  ///< number of diffusion steps to run; unset: the exercise's one pass at t = 3
  int64_t frames = 4, height = 2, width = 2;
  std::vector<int64_t> patch = {1, 2, 2};
  int64_t latent_width = 2, bits = exercise_bits;
  std::optional<uint64_t> seed;  ///< unset: the exercise's noise where it fits, else seed 0
  bool as_printed = false, soft = false, generate = false, pad = false;
  double learning_rate = .001;  ///< of the SGD step that [10] tries
};

/// The run of these options, with untrained weights. IoError for a broken video file, ConfigError for settings that do
/// not fit together.
Run prepare(const Options& options);
/// Whether these are the exercise's own inputs and weights, so that both readings of the shift can be compared.
bool is_the_exercise(const Options& options);

}  // namespace ditharos::by_hand
