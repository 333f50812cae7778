#pragma once
// Captions that a video model never saw in training, and real clips of them: what it is evaluated on.
#include <cstdint>
#include <string>
#include <vector>

#include <ditharos/data/synthetic/moving_garments.h>
#include <ditharos/pipelines/video_pipeline.h>

namespace ditharos::pipelines {

struct HeldOutClips {
  std::vector<std::string> captions;
  std::vector<data::CaptionFacts> facts;  ///< what each caption asks for
  std::vector<Tensor> real;               ///< u8 [F, 3, H, W]
};
/// `count` captions of moving garments that the model reads whole. `companions` is the share of them with a second
/// object. ConfigError when there are not as many.
[[nodiscard]] HeldOutClips held_out_clips(const VideoPipeline& pipeline, const data::SampleShape& shape, int64_t count,
                                          double companions, uint64_t seed);

/// Clips u8 [F, 3, H, W] encoded and decoded by the model's autoencoder: the upper bound for its transformer.
[[nodiscard]] std::vector<Tensor> reconstruct(const VideoPipeline& pipeline, const std::vector<Tensor>& clips);

}  // namespace ditharos::pipelines
