#pragma once
// The settings of train_dit, and of the sampling in sample_dit and evaluate.
#include <string>

#include <ditharos/data/datasets/data_source.h>
#include <ditharos/data/datasets/images/image_settings.h>
#include <ditharos/pipelines/image_config.h>
#include <ditharos/pipelines/image_parts.h>
#include <ditharos/training/run/resume.h>
#include "examples/cli/options/text_settings.h"
#include "examples/cli/options/training_settings.h"

namespace ditharos::examples {

/// The settings of the configuration file and the flags.
struct DiTSettings : pipelines::ImageModelConfig {
  int64_t patch = model.patch.height;  ///< side of a patch
  struct Data {
    std::string data = "shapes";
    data::ImageSettings images;
    bool horizontal_flip = false;
    pipelines::ImageCondition condition = pipelines::ImageCondition::automatic;
  } data;
  std::string autoencoder;  ///< a run of train_autoencoder or an AutoencoderKL; empty: the model works on pixels
  TokenizerSettings tokenizer;
  training::TrainSettings train;
  training::OutputSettings output;
  bool fitted = false;  ///< fit_to_data has filled in what depends on the data

  /// Fills in the model's patch, then settles as an ImageModelConfig does.
  void settle();
};

/// Adds the rows for all fields of `run`, which must outlive the settings.
void describe(Settings& settings, DiTSettings& run);
/// The rows of [sample] alone.
void describe_sampling(Settings& settings, models::SamplerConfig& sampler);

/// Checks what does not depend on the data, before they are read; ConfigError in one sentence.
void settle_without_data(const DiTSettings& run);
/// Takes height, width and channels from the images, or from their latents, and classes and vocabulary from the parts,
/// then settles. `autoencoder`: of the latents; null: the model works on pixels. ConfigError where it does not fit the
/// images.
void fit_to_data(DiTSettings& run, const data::DataSource& images, const pipelines::ImageParts& parts,
                 const models::Autoencoder* autoencoder);

/// The kind of train_dit's checkpoints.
training::CheckpointKind dit_kind();

}  // namespace ditharos::examples
