// The whole training step gives the same bits at every number of threads.
#include <doctest/doctest.h>

#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include <ditharos/models/autoencoder/autoencoder.h>
#include <ditharos/models/autoencoder/objective.h>
#include <ditharos/models/diffusion/process.h>
#include <ditharos/models/dit/dit.h>
#include <ditharos/optim/adam.h>
#include <ditharos/tensor/parallel.h>
#include <ditharos/training/checkpoint/checkpoint.h>
#include <ditharos/training/train_settings.h>
#include <ditharos/training/trainer.h>
#include "tests/support/tensor_cases.h"

using namespace ditharos;

namespace {

/// Names and bytes of the losses, gradient norms and the whole state of a run.
using NamedBytes = std::vector<std::pair<std::string, std::string>>;

NamedBytes bytes_after(training::Trainer& trainer, int steps, const Tensor& data, const Tensor& labels) {
  NamedBytes all;
  const auto add = [&](const std::string& name, const void* from, size_t bytes) {
    all.emplace_back(name, std::string(static_cast<const char*>(from), bytes));
  };
  for (int i = 0; i < steps; ++i) {
    const training::StepMetrics metrics = trainer.step(data, labels);
    add("loss of step " + std::to_string(i), &metrics.loss, sizeof metrics.loss);
    add("gradient norm of step " + std::to_string(i), &metrics.grad_norm, sizeof metrics.grad_norm);
  }
  training::TrainState state;
  trainer.capture(state);
  for (const auto* list : {&state.model, &state.optimizer, &state.ema})
    for (const auto& [name, tensor] : *list)
      add(name, static_cast<const char*>(tensor.storage()->data()) + size_t(tensor.offset()) * size_of(tensor.dtype()),
          size_t(tensor.numel()) * size_of(tensor.dtype()));
  return all;
}

NamedBytes bytes_after(int threads, int steps, bool recompute, DType precision = DType::f32,
                       const training::TrainSettings& train = {.weight_decay = 1e-2}) {
  const tests::RestoreSettings restore;
  set_num_threads(threads);
  // Wide enough that products, norms, sums and the optimiser are all cut into several pieces.
  const models::DiTConfig config{.height = 16,
                                 .width = 16,
                                 .channels = 3,
                                 .patch = {1, 2, 2},
                                 .hidden = 96,
                                 .depth = 2,
                                 .heads = 4,
                                 .classes = 5,
                                 .learn_sigma = false};
  Generator rng(11);
  models::DiT model(config, rng);
  model.set_recompute(recompute);
  training::TrainerConfig settings;
  settings.class_dropout = .2;
  settings.null_condition = config.null_condition();
  settings.precision = precision;
  settings.clip_norm = .5;
  settings.ema_decay = .9;
  settings.schedule.lr = 1e-2;
  training::Trainer trainer(
      model, [&](const Tensor& x, const Tensor& t, const Tensor& y) { return model(x, t, y); },
      models::make_objective({}), training::make_optimizer(model, train), settings);
  const Tensor images = rng.normal({12, 3, 16, 16});
  return bytes_after(trainer, steps, images, rng.randint(0, 5, {12}));
}

/// Of an autoencoder, which consists of convolutions, group norms and, of the kind kl, attention.
NamedBytes bytes_of_autoencoder(models::AutoencoderKind kind, int threads, int steps, DType precision) {
  const tests::RestoreSettings restore;
  set_num_threads(threads);
  const bool clips = kind == models::AutoencoderKind::video;
  Generator rng(12);
  models::Autoencoder model({.kind = kind,
                             .sizes = {.channels = 3,
                                       .latent_channels = 4,
                                       .width = 32,
                                       .blocks = 1,
                                       .groups = 8,
                                       .stages = 1,
                                       .time_stride = clips ? 2 : 1}},
                            rng);
  training::TrainerConfig settings;
  settings.precision = precision;
  settings.clip_norm = .5;
  settings.schedule.lr = 1e-2;
  training::Trainer trainer(model, {}, std::make_shared<models::AutoencoderObjective>(model, models::AutoencoderLoss{}),
                            std::make_unique<optim::AdamW>(nn::named_parameters(model)), settings);
  return bytes_after(trainer, steps, rng.normal({3, clips ? 4 : 1, 3, 16, 16}), {});
}

}  // namespace

TEST_CASE("R3: four training steps have equal bits at 1, 2, 3, 4 and 8 threads") {
  const auto expected = bytes_after(1, 4, false);
  REQUIRE(expected.size() > 100);
  for (const int threads : {2, 3, 4, 8}) {
    const auto got = bytes_after(threads, 4, false);
    REQUIRE(got.size() == expected.size());
    for (size_t i = 0; i < expected.size(); ++i)
      CHECK_MESSAGE(got[i] == expected[i], expected[i].first << " at " << threads << " threads");
  }
  SUBCASE("and with blocks that are computed again") {
    const auto again = bytes_after(1, 4, true);
    CHECK(again[0] == expected[0]);  // the first loss; gradients may round in another order
    for (const int threads : {2, 3, 8}) CHECK(bytes_after(threads, 4, true) == again);
  }
}

TEST_CASE("R3: four training steps with Muon have equal bits at 1, 2, 3, 4 and 8 threads") {
  const training::TrainSettings muon{.optimizer = training::OptimizerKind::muon, .weight_decay = .1};
  const auto expected = bytes_after(1, 4, false, DType::f32, muon);
  CHECK(expected[2] != bytes_after(1, 4, false)[2]);  // another loss of the second step than with AdamW
  for (const int threads : {2, 3, 4, 8}) CHECK(bytes_after(threads, 4, false, DType::f32, muon) == expected);
}

TEST_CASE("R3: in bf16, four training steps have equal bits at 1, 2, 3, 4 and 8 threads, under every instruction set") {
  tests::for_each_isa([] {
    for (const bool recompute : {false, true}) {
      const auto expected = bytes_after(1, 4, recompute, DType::bf16);
      CHECK(expected[1] != bytes_after(1, 1, recompute)[1]);  // another gradient than in f32
      for (const int threads : {2, 3, 4, 8}) CHECK(bytes_after(threads, 4, recompute, DType::bf16) == expected);
    }
  });
}

TEST_CASE("R3: training steps of autoencoders have equal bits at 1, 2, 3, 4 and 8 threads, in f32 and in bf16") {
  for (const auto kind : {models::AutoencoderKind::video, models::AutoencoderKind::kl}) {
    const auto expected = bytes_of_autoencoder(kind, 1, 3, DType::f32);
    for (const int threads : {2, 3, 4, 8}) CHECK(bytes_of_autoencoder(kind, threads, 3, DType::f32) == expected);
    tests::for_each_isa([&] {
      const auto in_bf16 = bytes_of_autoencoder(kind, 1, 3, DType::bf16);
      CHECK(in_bf16[0] != expected[0]);
      for (const int threads : {2, 3, 4, 8}) CHECK(bytes_of_autoencoder(kind, threads, 3, DType::bf16) == in_bf16);
    });
  }
}

TEST_CASE("R3: 200 training steps have equal losses and weights at 1, 2, 3, 4, 8 and 16 threads [slow]") {
  const auto expected = bytes_after(1, 200, false);
  for (const int threads : {2, 3, 4, 8, 16}) {
    const auto got = bytes_after(threads, 200, false);
    REQUIRE(got.size() == expected.size());
    for (size_t i = 0; i < expected.size(); ++i)
      CHECK_MESSAGE(got[i] == expected[i], expected[i].first << " at " << threads << " threads");
  }
}
