#pragma once
// Clips from a flow: from noise and a prompt alone, around conditioning frames, or from another clip.
//
// Conditioning frames stay at t = 1 while the others start as noise, as FrameFlow trains it; they are returned exactly.
// Image to video, extension, interpolation and loops are choices of conditioning frames.
#include <vector>

#include <ditharos/models/diffusion/guidance.h>
#include <ditharos/models/samplers/flow_solver.h>

namespace ditharos::models {

/// A network and its conditions.
struct VideoModel {
  Network network;
  Tensor conditions = {};      ///< i64 [B, ...], such as prompts [B, L]; undefined for a network without any
  Tensor null_condition = {};  ///< "none", of one sample, such as the empty prompt [L]; for guidance and loops
  FlowConfig flow = {.time_scale = 1000};  ///< scale and shift of the time are those of training
  /// Called before each trajectory, of which a loop has two: FeatureCache::reset() belongs here.
  std::function<void()> begin_trajectory = {};
};

/// Whether clips can be sampled with it: a sampler for flows that draws no noise in its steps, so that a clip depends
/// on its noise alone.
[[nodiscard]] bool samples_clips(SamplerKind kind);
/// ConfigError, in one sentence, when clips cannot be sampled in this way.
void check_clip_sampler(const SamplerConfig& sampler);

/// A clip of `frames` that begins with the frames of `begin` and ends with those of `end`, [B, K, C, H, W] each; either
/// may be undefined. One frame at the beginning is image to video, one at each end interpolation. ShapeError when no
/// frame is left to generate.
[[nodiscard]] ConditioningFrames conditioning_ends(const Tensor& begin, const Tensor& end, int64_t frames);

/// Clips like `noise`, standard normal [B, F, C, H, W], the only source of randomness. Conditioning frames are returned
/// exactly. `progress` is called after each step with the predicted clips, see SamplingProgress. Records no graph.
Tensor sample_video(const VideoModel& model, const SamplerConfig& sampler, const Tensor& noise,
                    const ConditioningFrames& conditioning = {}, const SamplingProgress& progress = {});

/// Another version of `clip`, [B, F, C, H, W]: noise is added up to the time 1 - strength, and the flow is solved from
/// there (SDEdit, Meng et al. 2022). strength is in [0, 1]: 0 returns the clip, 1 keeps nothing of it. The number of
/// steps is `strength` times the sampler's.
Tensor resample_video(const VideoModel& model, const SamplerConfig& sampler, const Tensor& clip, const Tensor& noise,
                      double strength, const SamplingProgress& progress = {});

/// Extends `clip` forwards. Its last `context` frames are the conditioning frames at the beginning of a clip like
/// `noise`, whose other frames are appended. -> [B, clip's frames + noise's frames - context, C, H, W].
Tensor extend_forwards(const VideoModel& model, const SamplerConfig& sampler, const Tensor& clip, const Tensor& noise,
                       int64_t context, const SamplingProgress& progress = {});
/// Extends `clip` backwards: its first `context` frames are the conditioning frames at the end of the new clip.
Tensor extend_backwards(const VideoModel& model, const SamplerConfig& sampler, const Tensor& clip, const Tensor& noise,
                        int64_t context, const SamplingProgress& progress = {});

/// A clip whose end leads to its beginning, in two passes: a clip like `first_noise`; then one like `second_noise` that
/// begins with its last `context` frames and ends with its first, of which the frames in between are appended. The
/// second pass has no prompt, because the described motion seldom leads back to the first frame.
/// -> [B, first's frames + second's frames - 2 context, C, H, W]. `progress` counts the steps of both passes.
Tensor sample_loop(const VideoModel& model, const SamplerConfig& sampler, const Tensor& first_noise,
                   const Tensor& second_noise, int64_t context = 1, const SamplingProgress& progress = {});

}  // namespace ditharos::models
