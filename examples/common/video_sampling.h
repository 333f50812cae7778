#pragma once
// From prompts to clips, with a trained model.
#include <functional>
#include <string>
#include <vector>

#include <ditharos/examples/common/prompts.h>
#include <ditharos/examples/common/video_run.h>

namespace ditharos::examples {

/// What is to be made beside what the prompts say.
struct ClipRequest {
  data::ClipShape shape;
  uint64_t seed = 0;
};

/// Called as sampling goes on: the share of all work that is done, the number of the first clip of the present batch,
/// and the batch's latents as they are now.
using ClipProgress = std::function<void(double share, int64_t first, const Tensor& latents)>;

/// Standard normal noise for `count` clips, [count, F, C, H, W] of the model's latents. That of clip i depends on
/// (seed, i) and the shape alone.
Tensor noise_for(const models::LatentVideo& model, const data::ClipShape& shape, int64_t count, uint64_t seed);

/// One clip for each prompt: f32 [B, F, 3, H, W] in [-1, 1] up to overshoot. The model must be in evaluation mode.
/// ConfigError when the request does not fit the model.
Tensor sample_clips(const models::LatentVideo& model, const data::Tokenizer& tokenizer, const VideoRun& run,
                    const std::vector<std::string>& prompts, const ClipRequest& request,
                    const ClipProgress& progress = {});

}  // namespace ditharos::examples
