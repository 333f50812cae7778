#pragma once
// What a run of a video diffusion transformer is made of, and its table of settings: shared by the programs that train,
// sample and judge.
#include <optional>
#include <string>
#include <vector>

#include <ditharos/data/text/tokenizer.h>
#include <ditharos/models/diffusion/frame_flow.h>
#include <ditharos/models/diffusion/guidance.h>
#include <ditharos/models/dit/latent_video.h>
#include "examples/cli/training_settings.h"
#include "examples/common/clip_settings.h"

namespace ditharos::examples {

/// [sample]: how clips are drawn.
struct VideoSampling {
  int64_t steps = 30;
  bool heun = false;
  models::Guidance guidance{.scale = 4};
};

/// Everything that the configuration file and the flags decide.
struct VideoRun {
  ClipSettings clips;
  std::string autoencoder;  ///< a run folder or checkpoint of train_autoencoder; empty: the model works on pixels
  int64_t vocabulary = 512, caption_count = 20000;
  double prompt_dropout = .1;
  std::vector<int64_t> patch = {1, 2, 2};
  models::VideoDiTConfig model;  ///< patch, channels and vocabulary are filled in when the model is built
  models::FrameFlowConfig flow;
  training::TrainSettings train{.steps = 10000, .batch_size = 16, .learning_rate = 1e-3, .ema_decay = .999};
  training::OutputSettings output;
  VideoSampling sampling;
  std::string prompts;  ///< of the sample sheets; none: see first_captions
};

/// Rows for all of it. `run` must outlive the settings.
void describe(Settings& settings, VideoRun& run);
/// The rows of [sample] alone.
void describe_sampling(Settings& settings, VideoSampling& sampling);
/// Checks what can be checked before there is a model; ConfigError in one sentence.
void settle(const VideoRun& run);

/// ConfigError that names the size, what it must be a multiple of, and the nearest that fits, unless the model can make
/// clips of this shape; also when it would take too much memory. `what` names the setting.
void check_clip_shape(const models::LatentVideo& model, const data::SampleShape& shape, const std::string& what);

/// One frame a column and one clip a row, each under its prompt; at most `columns` frames, evenly spaced.
/// clips f32 [B, F, 3, H, W] in [-1, 1].
void save_contact_sheet(const std::string& path, const Tensor& clips, const std::vector<std::string>& prompts,
                        int64_t columns = 8, int64_t scale = 3);

}  // namespace ditharos::examples
