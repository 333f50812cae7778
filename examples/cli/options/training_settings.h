#pragma once
// The rows that the settings of all training programs have in common, and the options of their command lines.
#include <cstdint>
#include <string>

#include <ditharos/data/codecs/pixel_limit.h>
#include <ditharos/training/run/run_options.h>
#include <ditharos/training/train_settings.h>
#include "examples/cli/settings.h"

namespace ditharos::examples {

/// The command line alone.
struct TrainingOptions : training::RunOptions {
  explicit TrainingOptions(const std::string& default_folder);

  int threads = 0;
  int64_t max_pixels = data::default_max_pixels;
};

/// Rows of the table; what they describe must outlive the settings. `batch` says what batch_size counts.
void describe_training(Settings& settings, training::TrainSettings& train, const std::string& batch);
void describe_output(Settings& settings, training::OutputSettings& output);
void describe_options(Settings& settings, TrainingOptions& options);
/// Joins the run to the ranks of world(). Settles the number of threads, and that of gradient shards where the user
/// leaves it to the program.
void settle_ranks(TrainingOptions& options, training::TrainSettings& train);
/// The row --max-pixels of every program that reads images or clips.
void describe_max_pixels(Settings& settings, int64_t& max_pixels);

/// The configuration of a program's defaults; Run is what its describe() describes.
template <class Run>
std::string default_configuration() {
  Run run;
  Settings settings("", "");
  describe(settings, run);
  return settings.to_toml();
}

/// Prints notes on settings that are not used as they are: a shorter warm-up, flags without effect.
void say_adjustments(const Settings& settings, const training::TrainSettings& train);

}  // namespace ditharos::examples
