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
#include <ditharos/training/distributed/communicator.h>

namespace ditharos::pipelines {

enum class ClipTask {
  make,              ///< from the prompt, and the conditioning frames, if any
  extend_forwards,   ///< append frames to `clip`
  extend_backwards,  ///< prepend frames to `clip`
  redraw,            ///< another version of `clip`
  loop               ///< a clip whose end leads to its beginning
};

/// The task, in addition to the prompts. Clips are f32 [F, 3, H, W] in [-1, 1], the same for every prompt.
struct ClipRequest {
  data::SampleShape shape = {};  ///< of the clip; for an extension, of the model's clip, context frames included
  uint64_t seed = 0;
  ClipTask task = ClipTask::make;
  Tensor first = {}, last = {};  ///< make: conditioning frames at the beginning and the end; undefined: none
  Tensor clip = {};              ///< extend, redraw
  double strength = 1;           ///< redraw: amount of noise to add, from 0 (nothing changes) to 1 (noise alone)
  training::Communicator* ranks = nullptr;  ///< that share the batches of clips; null: this process draws all
};

/// Called during sampling with the share of all work that is done, the index of the present batch's first clip, and the
/// batch's present latents.
using ClipProgress = std::function<void(double share, int64_t first, const Tensor& latents)>;

/// Standard normal noise for `count` clips, [count, F, C, H, W] of the model's latents. The noise of clip i depends
/// only on the generator's seed, i and the shape.
Tensor noise_for(const models::LatentDiT& model, const data::SampleShape& shape, int64_t count, const Generator& rng);

/// One clip per prompt: f32 [B, F, 3, H, W] in [-1, 1] up to overshoot. `flow` is the configuration of the training.
/// The model must be in evaluation mode. ConfigError when the request does not fit the model. Records no graph.
/// Collective when the request has ranks: the clips come out on rank 0, an undefined tensor on the others.
Tensor sample_clips(const models::LatentDiT& model, const data::Tokenizer& tokenizer, const models::FlowConfig& flow,
                    const models::SamplerConfig& sampler, const std::vector<std::string>& prompts,
                    const ClipRequest& request, const ClipProgress& progress = {});

}  // namespace ditharos::pipelines
