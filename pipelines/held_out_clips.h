#pragma once
// Held-out captions and their real clips: the evaluation data of a video model.
#include <cstdint>
#include <string>
#include <vector>

#include <ditharos/data/synthetic/moving_garments.h>
#include <ditharos/pipelines/video_pipeline.h>

namespace ditharos::pipelines {

struct HeldOutClips {
  std::vector<std::string> captions;
  std::vector<data::CaptionFacts> facts;  ///< what each caption describes
  std::vector<Tensor> real;               ///< u8 [F, 3, H, W]
};
/// `count` captions of moving garments that fit into the model's prompt length. `companions` is the share of them with
/// a second object. ConfigError when there are fewer.
[[nodiscard]] HeldOutClips held_out_clips(const VideoPipeline& pipeline, const data::SampleShape& shape, int64_t count,
                                          double companions, uint64_t seed);

/// Clips u8 [F, 3, H, W] encoded and decoded by the model's autoencoder: the upper bound for its transformer.
[[nodiscard]] std::vector<Tensor> reconstruct(const VideoPipeline& pipeline, const std::vector<Tensor>& clips);

}  // namespace ditharos::pipelines
