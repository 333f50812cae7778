// The exercise's claims about the whole model, for the library's model: a tiny DiT with its text encoder, its linear
// autoencoder and the sampler.
#include <doctest/doctest.h>

#include <ditharos/autograd/grad_mode.h>
#include <ditharos/autograd/ops.h>
#include <ditharos/data/codecs/video/video_file.h>
#include <ditharos/models/autoencoder/linear.h>
#include <ditharos/models/dit/cost.h>
#include <ditharos/models/dit/dit.h>
#include <ditharos/models/dit/presets.h>
#include <ditharos/models/samplers/video_sampling.h>
#include <ditharos/nn/state_dict.h>
#include <ditharos/tensor/io/safetensors.h>
#include "tests/support/temporary_folder.h"
#include "tests/support/tensor_cases.h"

using namespace ditharos;
using namespace ditharos::models;
using ditharos::tests::same_bits;

namespace {

DiTConfig tiny() {
  DiTConfig config = video_dit_preset();
  config.channels = 2, config.hidden = 24, config.depth = 2, config.heads = 2;
  config.text = {.vocabulary = 10, .length = 6, .width = 16, .depth = 1, .heads = 2};
  return config;
}

/// A model whose zero starting values (gates, last layer) are random, as after training.
DiT model_of(const DiTConfig& config, uint64_t seed = 1) {
  Generator rng(seed);
  DiT model(config, rng);
  nn::NamedTensors state = nn::named_tensors(model);
  for (nn::NamedTensor& p : state) p.tensor = rng.normal(p.tensor.shape()) * .2;
  nn::load_state_dict(model, state);
  nn::set_training(model, false);
  return model;
}

Tensor prompt(const std::vector<int64_t>& ids) {
  const auto length = int64_t(ids.size());
  return from_vector(ids, {1, length});
}

/// The whole: noise of the video's latents, denoised step by step, decoded to frames.
Tensor new_video(const DiT& model, const LinearAutoencoder& autoencoder, const Tensor& ids, uint64_t seed,
                 const Shape& latents = {1, 4, 2, 4, 6}) {
  const SamplerConfig sampler{.steps = 3};
  const VideoModel conditioned{
      .network = [&](const Tensor& x, const Tensor& t, const Tensor& c) { return model(x, t, c); }, .conditions = ids};
  return autoencoder.from_latents(sample_video(conditioned, sampler, Generator(seed).normal(latents)));
}

}  // namespace

TEST_CASE("sora whole: prompt and noise give a new video without a training video, reproducible by seed") {
  const DiT model = model_of(tiny());
  Generator rng(2);
  const LinearAutoencoder autoencoder({.channels = 3, .patch = {1, 4, 4}, .latent_channels = 2}, rng);
  const Tensor video = new_video(model, autoencoder, prompt({1, 4, 5}), 7);
  CHECK_EQ(video.shape(), Shape{1, 4, 3, 16, 24});
  CHECK(same_bits(new_video(model, autoencoder, prompt({1, 4, 5}), 7), video));
  CHECK_FALSE(same_bits(new_video(model, autoencoder, prompt({1, 4, 5}), 8), video));
  CHECK_FALSE(same_bits(new_video(model, autoencoder, prompt({1, 6, 7}), 7), video));  // the prompt changes it
  const tests::TemporaryFolder folder;
  data::write_clip(folder / "new.gif", select(video, 0, 0) * 2.0 - 1.0, 8);
  CHECK_EQ(data::read_clip(folder / "new.gif").frames.shape(), Shape{4, 3, 16, 24});
}

TEST_CASE("sora whole: one set of weights runs on other durations, sizes and aspect ratios") {
  const DiT model = model_of(tiny());
  const NoGrad off;
  for (const Shape& shape : {Shape{1, 4, 2, 4, 6}, Shape{1, 9, 2, 4, 6}, Shape{1, 4, 2, 8, 8}, Shape{1, 1, 2, 2, 12}}) {
    const Tensor x = Generator(3).normal(shape);
    const Tensor y = model(x, full({1}, 500), prompt({1, 4, 5}));
    CHECK_EQ(y.shape(), shape);
    CHECK(amax(abs(y)).item() < 1e3);
    CHECK(amax(abs(y)).item() > 0);
  }
}

TEST_CASE("sora whole: wider, deeper, more heads, the binary step: configuration only") {
  const NoGrad off;
  const Tensor x = Generator(4).normal({2, 2, 2, 4, 4});
  DiTConfig wider = tiny(), deeper = tiny(), heads = tiny(), binary = tiny();
  wider.hidden = 48, deeper.depth = 4, heads.heads = 4, binary.step_embedding = StepEmbedding::binary;
  binary.step_bits = 2;
  for (const DiTConfig& config : {tiny(), wider, deeper, heads, binary})
    CHECK_EQ(model_of(config)(x, full({2}, 3), from_vector<int64_t>({1, 4, 1, 5}, {2, 2})).shape(), x.shape());
  CHECK(count_parameters(wider).total > count_parameters(tiny()).total);
  CHECK(count_parameters(deeper).total > count_parameters(tiny()).total);
}

TEST_CASE("sora whole: saved and loaded weights give bit-equal output") {
  const tests::TemporaryFolder folder;
  DiT model = model_of(tiny()), other = model_of(tiny(), 2);
  std::map<std::string, Tensor> saved;
  for (const auto& [name, tensor] : nn::named_tensors(model)) saved[name] = tensor;
  safetensors::save(folder / "tiny.safetensors", saved);
  nn::NamedTensors loaded;
  for (const auto& [name, tensor] : safetensors::load(folder / "tiny.safetensors").tensors)
    loaded.push_back({name, tensor});
  const NoGrad off;
  const Tensor x = Generator(5).normal({1, 3, 2, 4, 4}), t = full({1}, 250), ids = prompt({1, 8});
  CHECK_FALSE(same_bits(other(x, t, ids), model(x, t, ids)));
  nn::load_state_dict(other, loaded);
  CHECK(same_bits(other(x, t, ids), model(x, t, ids)));
}
