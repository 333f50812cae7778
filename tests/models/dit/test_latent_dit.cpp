// A transformer on the latents of a frozen autoencoder.
#include <doctest/doctest.h>

#include <algorithm>
#include <map>
#include <string>

#include <ditharos/autograd/ops.h>
#include <ditharos/models/diffusion/frame_flow.h>
#include <ditharos/models/dit/latent_dit.h>
#include <ditharos/models/dit/presets.h>
#include <ditharos/optim/adam.h>
#include <ditharos/tensor/kernels/copy/copy.h>
#include <ditharos/training/trainer.h>

using namespace ditharos;
using namespace ditharos::models;

namespace {

constexpr const char* frozen_prefix = "autoencoder.";

VideoAutoencoder small_autoencoder() {
  Generator rng(1);
  VideoAutoencoder model({.latent_channels = 2, .width = 4, .max_width = 4, .groups = 2, .stages = 1}, rng);
  model.set_latent_statistics(from_vector(std::vector<float>{.25f, -.5f}), from_vector(std::vector<float>{2, .5f}));
  return model;
}

DiTConfig small_config(int64_t channels) {
  DiTConfig config = video_dit_preset();
  config.channels = channels;
  config.patch = {1, 2, 2};
  config.hidden = 12;
  config.depth = 1;
  config.heads = 2;
  config.text = {.vocabulary = 9, .length = 4, .width = 8, .depth = 1, .heads = 2};
  return config;
}

LatentDiT small_model() {
  Generator rng(2);
  return LatentDiT(small_config(2), small_autoencoder(), rng);
}

/// The bytes of all tensors whose names begin so.
std::vector<std::vector<float>> values(nn::ModuleBase& model, const std::string& prefix) {
  std::vector<std::vector<float>> all;
  for (const auto& [name, tensor] : nn::named_tensors(model))
    if (name.starts_with(prefix)) all.push_back(tensor.to_vector<float>());
  return all;
}

}  // namespace

TEST_CASE("latent dit: the frozen autoencoder is stored, but not trained") {
  LatentDiT model = small_model();
  VideoAutoencoder alone = small_autoencoder();
  size_t stored = 0;
  for (const auto& [name, tensor] : nn::named_tensors(model)) {
    stored += name.starts_with(frozen_prefix);
    if (name.starts_with(frozen_prefix)) CHECK_FALSE(tensor.requires_grad());
  }
  CHECK_EQ(stored, nn::named_tensors(alone).size());
  for (const auto& [name, tensor] : nn::named_parameters(model)) CHECK(name.starts_with("dit."));
  CHECK_EQ(nn::parameter_count(model), nn::parameter_count(model.dit()));
}

TEST_CASE("latent dit: encoder and decoder are the same to the byte after training") {
  LatentDiT model = small_model();
  const auto network = [&](const Tensor& x, const Tensor& t, const Tensor& prompts) { return model(x, t, prompts); };
  training::TrainerConfig config;
  config.class_dropout = .5;
  config.null_condition = from_vector(std::vector<int64_t>{1, 0, 0, 0});
  config.clip_norm = 1;
  config.ema_decay = .9;
  config.schedule.lr = 1e-2;
  training::Trainer trainer(model, network, std::make_shared<FrameFlow>(),
                            std::make_unique<optim::AdamW>(nn::named_parameters(model)), config);
  Generator rng(3);
  const Tensor clips = rng.normal({2, 3, 3, 8, 8}), prompts = rng.randint(1, 9, {2, 4});
  const auto frozen = values(model, frozen_prefix), trained = values(model, "dit.");
  const std::vector<float> latents = model.to_latents(clips).to_vector<float>();
  for (int step = 0; step < 5; ++step) trainer.step(model.to_latents(clips), prompts);

  CHECK(values(model, frozen_prefix) == frozen);
  CHECK(values(model, "dit.") != trained);
  CHECK(model.to_latents(clips).to_vector<float>() == latents);
  // The moving average carries the same autoencoder.
  for (const nn::NamedTensor& average : trainer.ema()->state())
    for (const nn::NamedTensor& own : nn::named_tensors(model))
      if (own.name == average.name && own.name.starts_with(frozen_prefix))
        CHECK(own.tensor.to_vector<float>() == average.tensor.to_vector<float>());
}

TEST_CASE("latent dit: a roll back brings the transformer back and never writes the autoencoder") {
  LatentDiT model = small_model();
  const auto network = [&](const Tensor& x, const Tensor& t, const Tensor& prompts) { return model(x, t, prompts); };
  training::TrainerConfig config;
  config.ema_decay = .9;
  config.schedule.lr = 1e-2;
  training::Trainer trainer(model, network, std::make_shared<FrameFlow>(),
                            std::make_unique<optim::AdamW>(nn::named_parameters(model)), config);
  Generator rng(3);
  const Tensor latents = model.to_latents(rng.normal({2, 3, 3, 8, 8})), prompts = rng.randint(1, 9, {2, 4});
  trainer.step(latents, prompts);
  training::TrainState handles, state;
  trainer.capture(handles);
  state = handles;
  for (nn::NamedTensors* tensors : {&state.model, &state.optimizer, &state.ema})
    for (nn::NamedTensor& t : *tensors) t.tensor = kernels::to(t.tensor, t.tensor.dtype());
  const auto at_state = values(model, "");
  trainer.step(latents, prompts);
  CHECK(values(model, "") != at_state);

  // A version counts the writings. Loader threads may be encoding with the autoencoder.
  std::map<std::string, uint64_t> versions;
  for (const auto& [name, tensor] : nn::named_tensors(model)) versions[name] = tensor.version();
  trainer.roll_back(state);
  CHECK(values(model, "") == at_state);
  int64_t written = 0;
  for (const nn::NamedTensor& t : nn::named_tensors(model)) {
    CAPTURE(t.name);
    if (t.name.starts_with(frozen_prefix)) CHECK_EQ(t.tensor.version(), versions[t.name]);
    else written += t.tensor.version() != versions[t.name];
  }
  CHECK_GT(written, 0);

  // Another autoencoder is loaded: a run that goes on gets its checkpoint's.
  for (nn::NamedTensor& t : state.model)
    if (t.name.starts_with(frozen_prefix)) kernels::fill(t.tensor, .5);
  trainer.restore(state);
  for (const auto& one : values(model, frozen_prefix))
    CHECK(std::all_of(one.begin(), one.end(), [](float v) { return v == .5f; }));
}

TEST_CASE("latent dit: what goes in and out") {
  LatentDiT model = small_model();
  Generator rng(4);
  const Tensor clips = rng.normal({1, 2, 3, 8, 12});
  const Tensor latents = model.to_latents(clips);
  CHECK_EQ(latents.shape(), Shape{1, 2, 2, 4, 6});
  CHECK_FALSE(latents.requires_grad());
  CHECK_EQ(model.latent_shape(clips.shape()), latents.shape());
  CHECK_EQ(model.from_latents(latents).shape(), clips.shape());
  CHECK(model.clip_multiple() == PatchSize{1, 4, 4});
  CHECK_EQ(model.channels(), 3);
  CHECK_THROWS_AS(model.latent_shape({1, 2, 3, 8, 6}), ShapeError);  // 3 columns of latents, patches of 2
  CHECK_THROWS_AS(LatentDiT(small_config(5), small_autoencoder(), rng), ConfigError);

  const LatentDiT pixels(small_config(3), std::nullopt, rng);
  CHECK_EQ(pixels.to_latents(clips).to_vector<float>(), clips.to_vector<float>());
  CHECK(pixels.clip_multiple() == PatchSize{1, 2, 2});
  CHECK_EQ(pixels.channels(), 3);
}

TEST_CASE("latent dit: an AutoencoderKL makes latents of images, stored but not trained") {
  Generator rng(5);
  AutoencoderKL autoencoder({.block_out_channels = {4, 4, 4, 4}, .layers_per_block = 1, .norm_num_groups = 2}, rng);
  const size_t tensors = nn::named_tensors(autoencoder).size();
  const LatentDiT model(small_config(4), autoencoder, rng);
  size_t stored = 0;
  for (const auto& [name, tensor] : nn::named_tensors(model)) stored += name.starts_with(frozen_prefix);
  CHECK_EQ(stored, tensors);
  for (const auto& [name, tensor] : nn::named_parameters(model)) CHECK(name.starts_with("dit."));
  const Tensor images = rng.normal({2, 1, 3, 32, 16});  // clips of one frame
  const Tensor latents = model.to_latents(images);
  CHECK_EQ(latents.shape(), Shape{2, 1, 4, 4, 2});
  CHECK_EQ(model.latent_shape(images.shape()), latents.shape());
  CHECK_EQ(model.latent_shape({1, 1, 3, 256, 256}), Shape{1, 1, 4, 32, 32});
  const Tensor expected = autoencoder.encode(images).mean * autoencoder.config().scaling_factor;
  CHECK(amax(abs(latents - expected)).item() < 1e-6);
  CHECK_EQ(model.from_latents(latents).shape(), images.shape());
  CHECK(model.clip_multiple() == PatchSize{1, 16, 16});
  CHECK_EQ(model.channels(), 3);
}
