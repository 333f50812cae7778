#pragma once
// The settings of train_video, and of the sampling in sample_video and evaluate_video.
#include <string>
#include <vector>

#include <ditharos/models/diffusion/frame_flow.h>
#include <ditharos/models/dit/config.h>
#include <ditharos/models/dit/presets.h>
#include <ditharos/models/samplers/config.h>
#include <ditharos/training/run/resume.h>
#include "examples/cli/options/clip_settings.h"
#include "examples/cli/options/text_settings.h"
#include "examples/cli/options/training_settings.h"

namespace ditharos::examples {

/// The settings of the configuration file and the flags.
struct VideoSettings {
  ClipSettings clips;
  std::string autoencoder;  ///< a run folder or checkpoint of train_autoencoder; empty: the model works on pixels
  TokenizerSettings tokenizer;
  double prompt_dropout = .1;
  std::vector<int64_t> patch = {1, 2, 2};
  /// settle() fills in the patch; channels and vocabulary follow from other parts.
  models::DiTConfig model = models::video_dit_preset();
  models::FrameFlowConfig flow;
  training::TrainSettings train{.steps = 10000, .batch_size = 16, .learning_rate = 1e-3, .ema_decay = {.999}};
  training::OutputSettings output;
  models::SamplerConfig sampler{.guidance = {.scale = 4}};
  std::string prompts;  ///< of the sample grids; none: see pipelines::first_captions
};

/// Adds the rows for all fields of `run`, which must outlive the settings.
void describe(Settings& settings, VideoSettings& run);
/// The rows of [sample] alone.
void describe_clip_sampling(Settings& settings, models::SamplerConfig& sampler);
/// Fills in the patch and checks what can be checked before there is a model; ConfigError in one sentence.
void settle(VideoSettings& run);

/// The kind of train_video's checkpoints.
training::CheckpointKind video_kind();

}  // namespace ditharos::examples
