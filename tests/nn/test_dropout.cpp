// Dropout without a generator in the signature: the default generator, recomputation, and resumed training.
#include <doctest/doctest.h>

#include <cmath>
#include <memory>

#include <ditharos/autograd/engine.h>
#include <ditharos/autograd/ops.h>
#include <ditharos/models/diffusion/process.h>
#include <ditharos/nn/activations/activations.h>
#include <ditharos/nn/checkpoint.h>
#include <ditharos/nn/containers/sequential.h>
#include <ditharos/nn/dropout.h>
#include <ditharos/nn/linear.h>
#include <ditharos/nn/recurrent/recurrent.h>
#include <ditharos/nn/transformer/transformer.h>
#include <ditharos/tensor/draws/draws.h>
#include <ditharos/training/checkpoint/checkpoint.h>
#include <ditharos/training/train_settings.h>
#include <ditharos/training/trainer.h>
#include "tests/support/tensor_cases.h"

using namespace ditharos;
using namespace ditharos::tests;

TEST_CASE("dropout, rand, randn, randint, randperm: PyTorch's forms draw from the default generator") {
  const Tensor x = Generator(1).normal({6, 5}, DType::f64);
  Generator rng(7);
  manual_seed(7);
  CHECK(same_bits(dropout(x), dropout(x, .5, rng)));
  CHECK(same_bits(dropout(x, .2), dropout(x, .2, rng)));
  CHECK(same_bits(rand({2, 3}), rng.uniform({2, 3})));
  CHECK(same_bits(randn({4}, DType::f64), rng.normal({4}, DType::f64)));
  CHECK(same_bits(rand_like(x), rng.uniform({6, 5}, DType::f64)));
  CHECK(same_bits(randn_like(x), rng.normal({6, 5}, DType::f64)));
  CHECK(same_bits(randint(-2, 9, {8}), rng.randint(-2, 9, {8})));
  CHECK(same_bits(randperm(9), rng.permutation(9)));
  CHECK(default_generator().offset() == rng.offset());
  CHECK(same_bits(dropout(x, .5, false), x));
  CHECK(default_generator().offset() == rng.offset());
  Generator other(8);
  CHECK(same_bits(randn({3}, DType::f32, other), Generator(8).normal({3})));
}

TEST_CASE("dropout: the default generator's numbers are those of the explicit form") {
  const nn::Dropout dropout(.4);
  const Tensor x = Generator(1).normal({50, 40});
  manual_seed(2);
  const Tensor a = dropout(x), b = dropout(x);
  Generator rng(2);
  CHECK(same_bits(a, dropout(x, rng)));
  CHECK_FALSE(same_bits(a, b));
  manual_seed(2);
  CHECK(same_bits(dropout(x), a));
  const double dropped = mean(to(a == 0, DType::f64)).item();
  CHECK(std::abs(dropped - .4) < 5 * std::sqrt(.24 / 2000));
  nn::Dropout evaluated(.4);
  nn::set_training(evaluated, false);
  const uint64_t offset = default_generator().offset();
  CHECK(same_bits(evaluated(x), x));
  CHECK(default_generator().offset() == offset);
}

TEST_CASE("dropout: of channels, all elements of a channel are dropped or scaled") {
  manual_seed(3);
  const Tensor x = ones({20, 30, 3, 2});
  const Tensor y = nn::Dropout2d(.25)(x);
  const Tensor sums = sum(y, {2, 3});
  const double dropped = mean(to(sums == 0, DType::f64)).item();
  CHECK(std::abs(dropped - .25) < 5 * std::sqrt(.25 * .75 / 600));
  CHECK(all((sums == 0) | isclose(sums, full({}, 6 / .75))).item() == 1);
  CHECK(nn::Dropout1d(.5)(ones({2, 3, 4})).shape() == Shape{2, 3, 4});
  CHECK(nn::Dropout3d(.5)(ones({2, 3, 1, 2, 2})).shape() == Shape{2, 3, 1, 2, 2});
  CHECK(message_of<ShapeError>([&] { nn::Dropout1d(.5)(x); }) ==
        "[Dropout1d] needs x [B, C] with 1 more axes, got [20, 30, 3, 2]");
  CHECK(message_of<ConfigError>([] { nn::Dropout2d(1); }).find("in [0, 1), got 1") != std::string::npos);
}

TEST_CASE("dropout: recomputation draws the numbers of the first run, whichever way a block draws") {
  const Tensor x = Generator(4).normal({4, 6, 16});
  const auto check = [&](const auto& module) {
    const auto gradients = [&](bool recompute) {
      manual_seed(5);
      const Tensor y = recompute ? nn::checkpoint(module, x) : module(x);
      std::vector<Tensor> parameters;
      for (const auto& [name, p] : nn::named_parameters(module)) parameters.push_back(p);
      return grad({sum(square(y))}, parameters);
    };
    const std::vector<Tensor> plain = gradients(false), again = gradients(true);
    for (size_t i = 0; i < plain.size(); ++i) CHECK(same_bits(plain[i], again[i]));
  };
  check(nn::TransformerEncoderLayer(16, 2, {.dim_feedforward = 24, .dropout = .3, .batch_first = true}));
  check(nn::Sequential(nn::Linear(16, 8), nn::Dropout(.5), nn::Sequential(nn::Linear(8, 8), nn::Dropout1d(.2))));
}

TEST_CASE("dropout: the same bits at every number of threads") {
  manual_seed(6);
  const nn::TransformerEncoderLayer layer(32, 4, {.dim_feedforward = 64, .dropout = .2, .batch_first = true});
  const nn::LSTM lstm(32, 16, {.num_layers = 2, .batch_first = true, .dropout = .2, .bidirectional = true});
  const Tensor x = default_generator().normal({6, 20, 32});
  const auto run = [&] {
    manual_seed(7);
    const Tensor y = lstm(layer(x)).output;
    const std::vector<Tensor> parameters{layer.self_attn.in_proj_weight, layer.mlp.linear1.weight,
                                         lstm.weights().at(0).weight_hh, lstm.weights().at(1, 1).weight_ih};
    std::vector<Tensor> results = grad({sum(square(y))}, parameters);
    results.push_back(y);
    return results;
  };
  const std::vector<Tensor> first = run();
  for_each_thread_count([&] {
    const std::vector<Tensor> now = run();
    for (size_t i = 0; i < first.size(); ++i) CHECK(same_bits(now[i], first[i]));
  });
}

TEST_CASE("dropout: a Trainer that resumes continues with the numbers of a run that never stopped") {
  const Tensor data = Generator(8).normal({6, 1, 2, 2});
  struct Run {
    nn::Sequential model;
    training::Trainer trainer;
    explicit Run(uint64_t seed)
        : model((manual_seed(seed), nn::Sequential(nn::Linear(4, 8), nn::Dropout(.5), nn::Linear(8, 4)))),
          trainer(
              model,
              [this](const Tensor& x, const Tensor&, const Tensor&) {
                return reshape(model(reshape(x, {x.size(0), 4})), x.shape());
              },
              models::make_objective({}), training::make_optimizer(model, {}), settings()) {}
    static training::TrainerConfig settings() {
      training::TrainerConfig config;
      config.schedule.lr = 1e-2;
      return config;
    }
    std::vector<double> losses(int steps, const Tensor& x) {
      std::vector<double> all;
      for (int i = 0; i < steps; ++i) {
        static_cast<void>(default_generator().uniform());  // what others draw does not matter
        all.push_back(trainer.step(x).loss);
      }
      return all;
    }
  };
  Run whole(1), first(1), second(2);
  const std::vector<double> wanted = whole.losses(6, data);
  CHECK(first.losses(3, data) == std::vector<double>(wanted.begin(), wanted.begin() + 3));
  training::TrainState state;
  first.trainer.capture(state);
  second.trainer.restore(state);
  CHECK(second.losses(3, data) == std::vector<double>(wanted.begin() + 3, wanted.end()));
}
