#pragma once
// The settings of an image model: what train_dit trains, and how sample_dit and evaluate sample from it.
#include <string>

#include <ditharos/data/datasets/dataset.h>
#include <ditharos/pipelines/image_config.h>
#include <ditharos/training/run/resume.h>
#include "examples/cli/options/training_settings.h"

namespace ditharos::examples {

/// Everything that the configuration file and the flags decide: the model and more.
struct DiTSettings : pipelines::ImageModelConfig {
  int64_t patch = model.patch.height;  ///< side of a patch
  struct Data {
    std::string data = "shapes";
    bool horizontal_flip = false;
  } data;
  training::TrainSettings train;
  training::OutputSettings output;

  /// Fills in the model's patch, then settles as an ImageModelConfig does.
  void settle();
};

/// Rows for all of it. `run` must outlive the settings.
void describe(Settings& settings, DiTSettings& run);
/// The rows of [sample] alone.
void describe_sampling(Settings& settings, models::SamplerConfig& sampler);

/// Checks what does not depend on the data, before they are read; ConfigError in one sentence.
void settle_without_data(const DiTSettings& run);
/// Takes height, width, channels and classes from the data set, then settles.
void fit_to_data(DiTSettings& run, const data::Dataset& dataset);

/// What checkpoints of train_dit are.
training::CheckpointKind dit_kind();

}  // namespace ditharos::examples
