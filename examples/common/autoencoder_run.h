#pragma once
// What a run of a video autoencoder is made of, its table of settings, and an autoencoder from a checkpoint.
#include <string>

#include <ditharos/models/autoencoder/objective.h>
#include <ditharos/models/autoencoder/video.h>
#include <ditharos/training/resume.h>
#include "examples/common/clip_settings.h"

namespace ditharos::examples {

/// Everything that the configuration file and the flags decide.
struct AutoencoderRun {
  ClipSettings clips;
  models::VideoAutoencoderConfig model;
  models::VideoAutoencoderLoss loss;
  training::TrainSettings train{.steps = 3000, .batch_size = 4, .learning_rate = 2e-3, .ema_decay = .99};
  training::OutputSettings output;
};

/// Rows for all of it. `run` must outlive the settings.
void describe(Settings& settings, AutoencoderRun& run);
/// Checks that all fits together: the strides divide every shape of clips. ConfigError in one sentence otherwise.
void settle(const AutoencoderRun& run);
/// What checkpoints of train_autoencoder are.
training::CheckpointKind autoencoder_kind();

/// Sets the latents' mean and deviation from `count` clips of each shape, with the weights that the model has now.
void measure_latents(models::VideoAutoencoder& model, const data::DataSource& source,
                     const std::vector<data::Bucket>& buckets, int64_t count = 128);

struct TrainedAutoencoder {
  AutoencoderRun run;
  models::VideoAutoencoder model;  ///< with the averaged weights
  int64_t step = 0;
  std::string path;           ///< the file it came from
  std::string configuration;  ///< as text
};
/// An autoencoder from a checkpoint file or a run folder; IoError or ConfigError naming it when there is none, or when
/// it is damaged or of another kind of model.
TrainedAutoencoder load_autoencoder(const std::string& path);

}  // namespace ditharos::examples
