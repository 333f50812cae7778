#include <ditharos/examples/common/video_sampling.h>

#include <algorithm>

#include <ditharos/autograd/ops.h>
#include <ditharos/models/diffusion/samplers/sampler.h>
#include <ditharos/nn/inference.h>

namespace ditharos::examples {
namespace {

constexpr int64_t tokens_at_once = 4096;  // of latents, in one batch

/// Clips in one batch.
int64_t batch_of(const models::LatentVideo& model, const data::ClipShape& shape) {
  const models::PatchSize m = model.clip_multiple();
  const int64_t tokens = shape.frames / m.frames * (shape.height / m.height) * (shape.width / m.width);
  return std::max<int64_t>(1, tokens_at_once / tokens);
}

}  // namespace

Tensor noise_for(const models::LatentVideo& model, const data::ClipShape& shape, int64_t count, uint64_t seed) {
  const Shape latent = model.latent_shape({1, shape.frames, model.channels(), shape.height, shape.width});
  std::vector<Tensor> noise;
  for (int64_t i = 0; i < count; ++i) noise.push_back(Generator(seed).fork(uint64_t(i)).normal(latent));
  return cat(noise, 0);
}

Tensor sample_clips(const models::LatentVideo& model, const data::Tokenizer& tokenizer, const VideoRun& run,
                    const std::vector<std::string>& prompts, const ClipRequest& request,
                    const ClipProgress& progress) {
  const data::ClipShape& shape = request.shape;
  const nn::InferenceMode inference;
  const models::Network network = [&](const Tensor& x, const Tensor& t, const Tensor& tokens) {
    return model(x, t, tokens);
  };
  const int64_t n = int64_t(prompts.size()), batch = batch_of(model, shape), length = run.model.text.length;
  const Tensor tokens = encode_prompts(tokenizer, prompts, length), noise = noise_for(model, shape, n, request.seed);
  models::DiffusionConfig process;
  process.flow = run.flow.flow;
  models::SamplerConfig sampler;
  sampler.kind = run.sampling.heun ? models::SamplerKind::heun : models::SamplerKind::euler;
  sampler.steps = run.sampling.steps;
  sampler.guidance = run.sampling.guidance;
  std::vector<Tensor> clips;
  for (int64_t begin = 0; begin < n; begin += batch) {
    const int64_t end = std::min(n, begin + batch);
    Generator unused(request.seed);
    const auto report = [&](int64_t done, int64_t total, const Tensor& x) {
      const double of_batch = double(done) / double(total);
      if (progress) progress((double(begin) + double(end - begin) * of_batch) / double(n), begin, x);
    };
    const Tensor latents = models::sample(process, sampler, network, slice(tokens, 0, begin, end),
                                          null_prompt(tokenizer, length), slice(noise, 0, begin, end), unused, report);
    clips.push_back(model.from_latents(latents));
  }
  return cat(clips, 0);
}

}  // namespace ditharos::examples
