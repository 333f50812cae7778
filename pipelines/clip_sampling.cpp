#include <ditharos/pipelines/clip_sampling.h>

#include <algorithm>

#include <ditharos/autograd/ops.h>
#include <ditharos/models/samplers/video_sampling.h>
#include <ditharos/nn/inference.h>
#include <ditharos/pipelines/prompts.h>
#include <ditharos/training/distributed/shared_work.h>

namespace ditharos::pipelines {
namespace {

constexpr int64_t tokens_at_once = 4096;      // of latents, in one batch
constexpr uint64_t second_pass = 0x6c6f6f70;  // "loop": the key of its noise

/// Clips in one batch.
int64_t batch_of(const models::LatentDiT& model, const data::SampleShape& shape) {
  const models::PatchSize m = model.clip_multiple();
  const int64_t tokens = shape.frames / m.frames * (shape.height / m.height) * (shape.width / m.width);
  return std::max<int64_t>(1, tokens_at_once / tokens);
}

/// The latents of one clip [F, 3, H, W], repeated for each of `count` prompts. Where a frame of latents stands for
/// several frames of the clip, the first frame is repeated until they fill a whole number of latent frames.
Tensor latents_of(const models::LatentDiT& model, const Tensor& clip, int64_t count) {
  const int64_t stride = model.time_stride(), missing = (stride - clip.size(0) % stride) % stride;
  std::vector<Tensor> frames(size_t(missing), slice(clip, 0, 0, 1));
  frames.push_back(clip);
  const Tensor one = model.to_latents(unsqueeze(cat(frames, 0), 0));
  return expand(one, {count, one.size(1), one.size(2), one.size(3), one.size(4)});
}

/// The sampling inputs of one batch of prompts.
class Batch {
 public:
  Batch(const models::LatentDiT& model, const models::VideoModel& network, const models::SamplerConfig& sampler,
        const ClipRequest& request, int64_t begin, int64_t end)
      : model_(model), network_(network), sampler_(sampler), request_(request), begin_(begin), end_(end) {}

  Tensor latents(const models::SamplingProgress& progress) const {
    const ClipRequest& r = request_;
    switch (r.task) {
      case ClipTask::extend_forwards:
        return extend_forwards(network_, sampler_, given(r.clip), noise(r.shape), context(given(r.clip)), progress);
      case ClipTask::extend_backwards:
        return extend_backwards(network_, sampler_, given(r.clip), noise(r.shape), context(given(r.clip)), progress);
      case ClipTask::redraw:
        return resample_video(network_, sampler_, given(r.clip), noise(r.shape), r.strength, progress);
      case ClipTask::loop: return loop(progress);
      default: break;
    }
    const Tensor all = noise(r.shape), first = given(r.first), last = given(r.last);
    if (!first.defined() && !last.defined()) return sample_video(network_, sampler_, all, {}, progress);
    return sample_video(network_, sampler_, all, models::conditioning_ends(first, last, all.size(1)), progress);
  }

 private:
  Tensor given(const Tensor& clip) const { return clip.defined() ? latents_of(model_, clip, end_ - begin_) : Tensor{}; }
  Tensor noise(const data::SampleShape& shape, uint64_t stream = 0) const {
    const Generator rng = stream == 0 ? Generator(request_.seed) : Generator(request_.seed).fork(stream);
    return slice(noise_for(model_, shape, end_, rng), 0, begin_, end_);
  }
  /// The number of context frames when a clip is extended: a quarter of the model's clip, as in training.
  int64_t context(const Tensor& clip) const {
    const int64_t frames = model_.latent_shape(clips())[1];
    return std::min(clip.size(1), std::max<int64_t>(1, frames / 4));
  }
  Shape clips() const {
    const data::SampleShape& s = request_.shape;
    return {1, s.frames, model_.channels(), s.height, s.width};
  }
  /// Two passes that share context frames at both ends.
  Tensor loop(const models::SamplingProgress& progress) const {
    const int64_t unit = model_.clip_multiple().frames, shared = 2 * model_.time_stride();
    data::SampleShape there = request_.shape, back = request_.shape;
    there.frames = (request_.shape.frames + shared) / 2 / unit * unit;
    back.frames = request_.shape.frames + shared - there.frames;
    check<ConfigError>(there.frames > shared / 2 && back.frames > shared && back.frames % unit == 0, "a loop of ",
                       request_.shape.frames,
                       " frames is impossible for this model: choose an even "
                       "number of --frames, at least ",
                       2 * shared);
    return sample_loop(network_, sampler_, noise(there), noise(back, second_pass), 1, progress);
  }

  const models::LatentDiT& model_;
  const models::VideoModel& network_;
  const models::SamplerConfig& sampler_;
  const ClipRequest& request_;
  int64_t begin_, end_;
};

}  // namespace

Tensor noise_for(const models::LatentDiT& model, const data::SampleShape& shape, int64_t count, const Generator& rng) {
  const Shape latent = model.latent_shape({1, shape.frames, model.channels(), shape.height, shape.width});
  std::vector<Tensor> noise;
  for (int64_t i = 0; i < count; ++i) noise.push_back(rng.fork(uint64_t(i)).normal(latent));
  return cat(noise, 0);
}

Tensor sample_clips(const models::LatentDiT& model, const data::Tokenizer& tokenizer, const models::FlowConfig& flow,
                    const models::SamplerConfig& sampler, const std::vector<std::string>& prompts,
                    const ClipRequest& request, const ClipProgress& progress) {
  const nn::InferenceMode inference;
  const int64_t n = int64_t(prompts.size()), batch = batch_of(model, request.shape);
  const int64_t length = model.dit().config().text.length;
  const Tensor tokens = encode_prompts(tokenizer, prompts, length);
  models::FeatureCache cache(sampler.caching);
  models::FeatureCache* used = sampler.caching.method == models::CacheMethod::none ? nullptr : &cache;
  models::VideoModel network;
  network.network = [&](const Tensor& x, const Tensor& t, const Tensor& p) { return model(x, t, p, used); };
  network.begin_trajectory = [&] { cache.reset(); };
  network.null_condition = null_prompt(tokenizer, length);
  network.flow = flow;
  const auto sample_batch = [&](int64_t index) {
    const int64_t begin = index * batch, end = std::min(n, begin + batch);
    const auto report = [&](int64_t done, int64_t total, const Tensor& x) {
      const double of_batch = double(done) / double(total);
      if (progress) progress((double(begin) + double(end - begin) * of_batch) / double(n), begin, x);
    };
    network.conditions = slice(tokens, 0, begin, end);
    return contiguous(model.from_latents(Batch(model, network, sampler, request, begin, end).latents(report)));
  };
  const std::vector<Tensor> clips = training::share_work(request.ranks, (n + batch - 1) / batch, sample_batch);
  return clips.empty() ? Tensor() : cat(clips, 0);
}

}  // namespace ditharos::pipelines
