#pragma once
// The settings of a video autoencoder: what train_autoencoder trains.
#include <ditharos/models/autoencoder/config.h>
#include <ditharos/models/autoencoder/objective.h>
#include <ditharos/training/run/resume.h>
#include "examples/cli/options/clip_settings.h"
#include "examples/cli/options/training_settings.h"

namespace ditharos::examples {

/// Everything that the configuration file and the flags decide.
struct AutoencoderSettings {
  ClipSettings clips;
  models::VideoAutoencoderConfig model;
  models::VideoAutoencoderLoss loss;
  training::TrainSettings train{.steps = 3000, .batch_size = 4, .learning_rate = 2e-3, .ema_decay = .99};
  training::OutputSettings output;
};

/// Rows for all of it. `run` must outlive the settings.
void describe(Settings& settings, AutoencoderSettings& run);
/// Checks that all fits together: the strides divide every shape of clips. ConfigError in one sentence otherwise.
void settle(const AutoencoderSettings& run);
/// What checkpoints of train_autoencoder are.
training::CheckpointKind autoencoder_kind();

}  // namespace ditharos::examples
