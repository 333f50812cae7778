#include <ditharos/models/samplers/video_sampling.h>

#include <algorithm>
#include <cmath>

#include <ditharos/autograd/ops.h>
#include <ditharos/models/diffusion/batch.h>
#include <ditharos/nn/inference.h>

namespace ditharos::models {
namespace {

Tensor frames_of(const Tensor& clip, int64_t begin, int64_t end) { return slice(clip, 1, begin, end); }

void check_clip(const char* where, const char* what, const Tensor& clip) {
  check<ShapeError>(clip.defined() && clip.rank() == 5, "[", where, "] ", what,
                    " must have shape [B, F, C, H, W], got ", clip.defined() ? to_text(clip.shape()) : "none");
}

/// The same number of clips, channels, rows and columns.
void check_like(const char* where, const char* what, const Tensor& clip, const Tensor& like) {
  check_clip(where, what, clip);
  check_clip(where, "noise", like);
  Shape wanted = like.shape();
  wanted[1] = clip.size(1);
  check<ShapeError>(clip.shape() == wanted, "[", where, "] ", what, " of shape ", clip.shape(), " and noise of shape ",
                    like.shape(), " may differ in their number of frames alone");
}

/// From x at time `begin` to clips at time 1.
Tensor solve(const VideoModel& model, const SamplerConfig& sampler, const Tensor& x, double begin, int64_t steps,
             const ConditioningFrames& conditioning, const SamplingProgress& progress) {
  const Flow flow(model.flow);
  const Denoiser network = guided(model.network, model.conditions, model.null_condition, sampler.guidance,
                                  [&](double t) { return flow.progress(t); });
  if (model.begin_trajectory) model.begin_trajectory();
  return solve_flow(flow, network, sampler, x, begin, steps, conditioning, progress);
}

/// The progress of one of several passes of equal cost, as progress of all of them.
SamplingProgress part_of(const SamplingProgress& progress, int64_t pass, int64_t passes) {
  if (!progress) return {};
  return [=](int64_t done, int64_t total, const Tensor& x) { progress(pass * total + done, passes * total, x); };
}

}  // namespace

bool samples_clips(SamplerKind kind) { return samples_flow(kind) && !is_stochastic(kind); }

void check_clip_sampler(const SamplerConfig& sampler) {
  check<ConfigError>(samples_clips(sampler.kind), "clips are sampled with ", sampler_names(samples_clips),
                     ", not with ", name_of(sampler.kind));
  sampler.validate();
}

ConditioningFrames conditioning_ends(const Tensor& begin, const Tensor& end, int64_t frames) {
  const Tensor& any = begin.defined() ? begin : end;
  if (!any.defined()) return {};
  check_clip("conditioning_ends", "the conditioning frames", any);
  const int64_t before = begin.defined() ? begin.size(1) : 0, after = end.defined() ? end.size(1) : 0;
  check<ShapeError>(before + after < frames, "[conditioning_ends] ", before, " frames at the beginning and ", after,
                    " at the end leave no frame to generate in a clip of ", frames);
  Shape gap = any.shape();
  gap[1] = frames - before - after;
  std::vector<Tensor> parts{zeros(gap, any.dtype())};
  if (begin.defined()) parts.insert(parts.begin(), begin);
  if (end.defined()) parts.push_back(end);
  const NoGrad no_grad;
  ConditioningFrames conditioning{cat(parts, 1), std::vector<bool>(size_t(frames), false)};
  std::fill(conditioning.mask.begin(), conditioning.mask.begin() + before, true);
  std::fill(conditioning.mask.end() - after, conditioning.mask.end(), true);
  return conditioning;
}

Tensor sample_video(const VideoModel& model, const SamplerConfig& sampler, const Tensor& noise,
                    const ConditioningFrames& conditioning, const SamplingProgress& progress) {
  check_clip_sampler(sampler);
  check_clip("sample_video", "noise", noise);
  if (conditioning.clip.defined()) {
    check<ShapeError>(conditioning.clip.shape() == noise.shape() && int64_t(conditioning.mask.size()) == noise.size(1),
                      "[sample_video] conditioning frames must come in a clip like the noise, ", noise.shape(),
                      ", with a mask of its frames; got ", conditioning.clip.shape(), " and a mask of ",
                      conditioning.mask.size());
    check<ShapeError>(std::find(conditioning.mask.begin(), conditioning.mask.end(), false) != conditioning.mask.end(),
                      "[sample_video] all ", noise.size(1),
                      " frames are conditioning frames: no frame is left to generate");
  }
  const nn::InferenceMode inference;
  return solve(model, sampler, noise, 0, sampler.steps, conditioning, progress);
}

Tensor resample_video(const VideoModel& model, const SamplerConfig& sampler, const Tensor& clip, const Tensor& noise,
                      double strength, const SamplingProgress& progress) {
  check_clip_sampler(sampler);
  check_clip("resample_video", "the clip", clip);
  check<ShapeError>(noise.defined() && noise.shape() == clip.shape(), "[resample_video] noise must have the clip's ",
                    "shape, ", clip.shape(), ", got ", noise.defined() ? to_text(noise.shape()) : "none");
  check<ConfigError>(strength >= 0 && strength <= 1, "the strength must be in [0, 1], got ", strength);
  const auto steps = static_cast<int64_t>(std::ceil(double(sampler.steps) * strength));
  if (steps == 0) return clip;
  const nn::InferenceMode inference;
  const Tensor start = noise * strength + clip * (1 - strength);
  return solve(model, sampler, start, 1 - strength, steps, {}, progress);
}

Tensor extend_forwards(const VideoModel& model, const SamplerConfig& sampler, const Tensor& clip, const Tensor& noise,
                       int64_t context, const SamplingProgress& progress) {
  check_like("extend_forwards", "the clip", clip, noise);
  const int64_t frames = clip.size(1);
  check<ShapeError>(context >= 1 && context <= frames, "[extend_forwards] the context must be 1 to ", frames,
                    " frames of the clip, got ", context);
  const NoGrad no_grad;
  const Tensor begin = frames_of(clip, frames - context, frames);
  const ConditioningFrames conditioning = conditioning_ends(begin, {}, noise.size(1));
  const Tensor extension = sample_video(model, sampler, noise, conditioning, progress);
  return cat({clip, frames_of(extension, context, noise.size(1))}, 1);
}

Tensor extend_backwards(const VideoModel& model, const SamplerConfig& sampler, const Tensor& clip, const Tensor& noise,
                        int64_t context, const SamplingProgress& progress) {
  check_like("extend_backwards", "the clip", clip, noise);
  check<ShapeError>(context >= 1 && context <= clip.size(1), "[extend_backwards] the context must be 1 to ",
                    clip.size(1), " frames of the clip, got ", context);
  const NoGrad no_grad;
  const ConditioningFrames conditioning = conditioning_ends({}, frames_of(clip, 0, context), noise.size(1));
  const Tensor extension = sample_video(model, sampler, noise, conditioning, progress);
  return cat({frames_of(extension, 0, noise.size(1) - context), clip}, 1);
}

Tensor sample_loop(const VideoModel& model, const SamplerConfig& sampler, const Tensor& first_noise,
                   const Tensor& second_noise, int64_t context, const SamplingProgress& progress) {
  check_like("sample_loop", "the first noise", first_noise, second_noise);
  const int64_t first_frames = first_noise.size(1), second_frames = second_noise.size(1);
  check<ShapeError>(context >= 1 && context <= first_frames && 2 * context < second_frames,
                    "[sample_loop] a context of ", context, " frames does not fit passes of ", first_frames, " and ",
                    second_frames, " frames: the second needs more than two contexts");
  const NoGrad no_grad;
  const Tensor first = sample_video(model, sampler, first_noise, {}, part_of(progress, 0, 2));
  const ConditioningFrames ends = conditioning_ends(frames_of(first, first_frames - context, first_frames),
                                                    frames_of(first, 0, context), second_frames);
  // Without the prompt: one such as "drifts left" contradicts the motion back to the first frame.
  VideoModel unprompted = model;
  if (model.conditions.defined()) unprompted.conditions = no_condition(model.conditions, model.null_condition);
  SamplerConfig unguided = sampler;
  unguided.guidance.scale = 1;
  const Tensor second = sample_video(unprompted, unguided, second_noise, ends, part_of(progress, 1, 2));
  return cat({first, frames_of(second, context, second_frames - context)}, 1);
}

}  // namespace ditharos::models
