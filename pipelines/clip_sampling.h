#pragma once
// Clips from a trained text-to-video model.
#include <functional>
#include <string>
#include <vector>

#include <ditharos/data/datasets/data_source.h>
#include <ditharos/data/text/tokenizer.h>
#include <ditharos/models/diffusion/flow.h>
#include <ditharos/models/dit/latent_dit.h>
#include <ditharos/models/samplers/config.h>

namespace ditharos::pipelines {

enum class ClipTask {
  make,              ///< from the prompt, and the conditioning frames, if any
  extend_forwards,   ///< `clip` and what comes after it
  extend_backwards,  ///< what comes before `clip`, and it
  redraw,            ///< another version of `clip`
  loop               ///< a clip whose end leads to its beginning
};

/// What to sample beside what the prompts say. Clips are f32 [F, 3, H, W] in [-1, 1], the same for every prompt.
struct ClipRequest {
  data::SampleShape shape = {};  ///< of the clip; when another one is extended, of the part that the model sees at once
  uint64_t seed = 0;
  ClipTask task = ClipTask::make;
  Tensor first = {}, last = {};  ///< make: frames that it begins and ends with; undefined: none
  Tensor clip = {};              ///< extend, redraw
  double strength = 1;           ///< redraw: how far to go back to noise, 0 (nothing changes) to 1
};

/// Called as sampling goes on: the share of all work that is done, the number of the first clip of the present batch,
/// and the batch's latents as they are now.
using ClipProgress = std::function<void(double share, int64_t first, const Tensor& latents)>;

/// Standard normal noise for `count` clips, [count, F, C, H, W] of the model's latents. That of clip i depends on the
/// generator's seed, i and the shape alone.
Tensor noise_for(const models::LatentDiT& model, const data::SampleShape& shape, int64_t count, const Generator& rng);

/// One clip for each prompt: f32 [B, F, 3, H, W] in [-1, 1] up to overshoot. `flow` is what the model was trained with.
/// The model must be in evaluation mode. ConfigError when the request does not fit the model. Records no graph.
Tensor sample_clips(const models::LatentDiT& model, const data::Tokenizer& tokenizer, const models::FlowConfig& flow,
                    const models::SamplerConfig& sampler, const std::vector<std::string>& prompts,
                    const ClipRequest& request, const ClipProgress& progress = {});

}  // namespace ditharos::pipelines
