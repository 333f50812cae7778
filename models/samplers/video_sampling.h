#pragma once
// Clips from a flow: made from noise and a prompt alone, around conditioning frames, or from another clip.
//
// Conditioning frames stand at t = 1 all the way while the others come from noise, as FrameFlow trains it; they are
// returned exactly. From that one ability follow images set in motion, extension, interpolation and loops.
#include <vector>

#include <ditharos/models/diffusion/guidance.h>
#include <ditharos/models/samplers/flow_solver.h>

namespace ditharos::models {

/// A network and what its clips shall show.
struct VideoModel {
  Network network;
  Tensor conditions = {};      ///< i64 [B, ...], such as prompts [B, L]; undefined for a network without any
  Tensor null_condition = {};  ///< "none", of one sample, such as the empty prompt [L]; for guidance and loops
  FlowConfig flow = {.time_scale = 1000};  ///< scale and shift of the time are those of training
};

/// A clip of `frames` that begins with the frames of `begin` and ends with those of `end`, [B, K, C, H, W] each; either
/// may be undefined. One frame at the beginning sets an image in motion, one at each end asks for what lies between.
/// ShapeError when they leave nothing to be made.
[[nodiscard]] ConditioningFrames conditioning_ends(const Tensor& begin, const Tensor& end, int64_t frames);

/// Clips like `noise`, standard normal [B, F, C, H, W], which holds all that is random. Conditioning frames come back
/// as they are. `progress` is called after each step with the clips as the network expects them at the end. Records no
/// graph.
Tensor sample_video(const VideoModel& model, const SamplerConfig& sampler, const Tensor& noise,
                    const ConditioningFrames& conditioning = {}, const SamplingProgress& progress = {});

/// Another version of `clip`, [B, F, C, H, W]: noise is added up to the time 1 - strength, and the flow goes on from
/// there (SDEdit, Meng et al. 2022). strength is in [0, 1]: 0 returns the clip, 1 keeps nothing of it. Takes its share
/// of the sampler's steps.
Tensor resample_video(const VideoModel& model, const SamplerConfig& sampler, const Tensor& clip, const Tensor& noise,
                      double strength, const SamplingProgress& progress = {});

/// `clip` and what comes after it: its last `context` frames are the first of a clip like `noise`, whose
/// other frames are added. -> [B, clip's frames + noise's frames - context, C, H, W].
Tensor extend_forwards(const VideoModel& model, const SamplerConfig& sampler, const Tensor& clip, const Tensor& noise,
                       int64_t context, const SamplingProgress& progress = {});
/// The same before its beginning, with its first `context` frames at the end of the new clip.
Tensor extend_backwards(const VideoModel& model, const SamplerConfig& sampler, const Tensor& clip, const Tensor& noise,
                        int64_t context, const SamplingProgress& progress = {});

/// A clip whose end leads to its beginning, in two passes: a clip like `first_noise`; then one like `second_noise` that
/// begins with its last `context` frames and ends with its first, from which the frames between are added. The second
/// pass has no condition: what a prompt asks for seldom leads back.
/// -> [B, first's frames + second's frames - 2 context, C, H, W]. `progress` counts the steps of both passes.
Tensor sample_loop(const VideoModel& model, const SamplerConfig& sampler, const Tensor& first_noise,
                   const Tensor& second_noise, int64_t context = 1, const SamplingProgress& progress = {});

}  // namespace ditharos::models
