#pragma once
// The settings of train_autoencoder.
#include <ditharos/data/datasets/images/image_settings.h>
#include <ditharos/models/autoencoder/autoencoder.h>
#include <ditharos/models/autoencoder/objective.h>
#include <ditharos/training/classifier.h>
#include <ditharos/training/run/resume.h>
#include "examples/cli/options/clip_settings.h"
#include "examples/cli/options/training_settings.h"

namespace ditharos::examples {

/// The settings of the configuration file and the flags.
struct AutoencoderSettings {
  ClipSettings clips;          ///< `data` may name images, too
  data::ImageSettings images;  ///< how they become samples
  models::AutoencoderConfig model;
  models::AutoencoderLoss loss;
  int64_t classifier_clips = 20000;  ///< of the perceptual distance's classifier
  training::ClassifierTraining classifier;
  training::TrainSettings train{.steps = 3000, .batch_size = 4, .learning_rate = 2e-3, .ema_decay = {.99}};
  training::OutputSettings output;
};

/// Adds the rows for all fields of `run`, which must outlive the settings.
void describe(Settings& settings, AutoencoderSettings& run);
/// Checks what does not depend on the data, before they are read: also that the strides divide every shape of clips.
/// ConfigError, in one sentence, otherwise.
void settle(const AutoencoderSettings& run);
/// The kind of train_autoencoder's checkpoints.
training::CheckpointKind autoencoder_kind();

}  // namespace ditharos::examples
