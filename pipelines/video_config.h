#pragma once
// The configurations of a trained video model, its autoencoder, their training clips, and its sampling.
#include <string>
#include <vector>

#include <ditharos/data/datasets/data_source.h>
#include <ditharos/data/datasets/images/image_settings.h>
#include <ditharos/models/autoencoder/autoencoder.h>
#include <ditharos/models/diffusion/frame_flow.h>
#include <ditharos/models/dit/config.h>
#include <ditharos/models/dit/presets.h>
#include <ditharos/models/samplers/config.h>

namespace ditharos::pipelines {

/// The clips that a model was trained on.
struct TrainedClips {
  std::string data = "moving-garments";   ///< as data::open_clips takes it
  std::vector<data::SampleShape> shapes;  ///< at least one
  friend bool operator==(const TrainedClips&, const TrainedClips&) = default;
};

struct VideoModelConfig {
  TrainedClips clips;
  /// Channels and vocabulary are those of the autoencoder and the tokenizer.
  models::DiTConfig model = models::video_dit_preset();
  models::FrameFlowConfig flow;
  models::SamplerConfig sampler{.guidance = {.scale = 4}};
  friend bool operator==(const VideoModelConfig&, const VideoModelConfig&) = default;
};

struct AutoencoderConfig {
  TrainedClips clips;
  data::ImageSettings images;  ///< how images became samples, where `clips.data` names images
  models::AutoencoderConfig model;
  friend bool operator==(const AutoencoderConfig&, const AutoencoderConfig&) = default;
};

}  // namespace ditharos::pipelines
