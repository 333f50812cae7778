// The training step: PyTorch's ten steps, learning, resuming, and refusing what is not finite.
#include <doctest/doctest.h>

#include <cmath>
#include <limits>

#include <ditharos/autograd/ops.h>
#include <ditharos/models/diffusion/flow.h>
#include <ditharos/models/diffusion/gaussian.h>
#include <ditharos/optim/adam.h>
#include <ditharos/optim/clip.h>
#include <ditharos/tensor/parallel.h>
#include <ditharos/training/trainer.h>
#include "tests/support/golden_dit.h"

using namespace ditharos;
using namespace ditharos::models;
using namespace ditharos::training;
using ditharos::tests::difference;
using ditharos::tests::Golden;

namespace {

const DiTConfig tiny = {
    .height = 4, .width = 4, .channels = 1, .hidden = 16, .depth = 1, .heads = 2, .classes = 2, .learn_sigma = false};

/// A trainer with all that belongs to it.
struct Run {
  Generator rng;
  DiT model;
  Trainer trainer;

  explicit Run(TrainerConfig config = {},
               std::shared_ptr<const Objective> objective = std::make_shared<Flow>(FlowConfig{.time_scale = 1000}))
      : rng(1), model(tiny, rng),
        trainer(
            model, [this](const Tensor& x, const Tensor& t, const Tensor& y) { return model(x, t, y); },
            std::move(objective), std::make_unique<optim::AdamW>(nn::named_parameters(model)),
            with_defaults(std::move(config))) {}

  static TrainerConfig with_defaults(TrainerConfig config) {
    config.null_condition = tiny.null_condition();
    config.class_dropout = .1;
    config.clip_norm = 1;
    config.ema_decay = .9;
    config.schedule = {.lr = 3e-3, .warmup_steps = 3};
    return config;
  }
};

/// Images that are bright above for class 0 and bright below for class 1; the k-th batch of a run.
struct Batch {
  Tensor data, labels;
  explicit Batch(int64_t k) {
    Generator rng = Generator(99).fork(uint64_t(k));
    labels = rng.randint(0, 2, {16});
    std::vector<float> pixels;
    for (const int64_t label : labels.to_vector<int64_t>()) {
      for (int i = 0; i < 16; ++i) pixels.push_back((i < 8) == (label == 0) ? .8f : -.8f);
    }
    data = from_vector(pixels, {16, 1, 4, 4}) + rng.normal({16, 1, 4, 4}) * .05;
  }
};

std::vector<float> all_values(nn::ModuleBase& model) {
  std::vector<float> values;
  for (const auto& [name, tensor] : nn::named_tensors(model)) {
    for (const float v : tensor.to_vector<float>()) values.push_back(v);
  }
  return values;
}

std::vector<float> all_values(const nn::NamedTensors& tensors) {
  std::vector<float> values;
  for (const auto& [name, tensor] : tensors) {
    for (const float v : tensor.to_vector<float>()) values.push_back(v);
  }
  return values;
}

/// An objective whose gradient is NaN in one parameter although its loss is finite.
struct BadGradient : Objective {
  Tensor parameter;
  Loss loss(const Denoiser& model, const Tensor& data, Generator&) const override {
    const Tensor output = model(data, zeros({data.size(0)}));
    const Tensor total = mean(output) + sum(sqrt(abs(parameter)) * 0.0);  // the root's slope at 0 is infinite
    return {total, full({data.size(0)}, 1), full({data.size(0)}, .5)};
  }
  double progress(double t) const override { return t; }
};

}  // namespace

TEST_CASE("trainer golden: ten steps of AdamW with clipping and average, as in PyTorch") {
  const Golden golden("diffusion.golden");
  DiT model = tests::golden_dit();
  const GaussianDiffusion diffusion;
  optim::AdamW optimizer(nn::named_parameters(model), {.beta1 = .9, .beta2 = .99, .eps = 1e-6, .weight_decay = .05});
  optim::Ema ema(model, .4);
  const Tensor losses = golden.at("train.losses"), norms = golden.at("train.norms");
  for (int64_t i = 0; i < 10; ++i) {
    CAPTURE(i);
    const auto at = [&](const char* name) { return select(golden.at(std::string("train.") + name), 0, i); };
    const Denoiser network = [&](const Tensor& x, const Tensor& t) { return model(x, t, at("labels")); };
    optimizer.zero_grad();
    const auto terms = diffusion.loss_terms(network, at("data"), at("t"), at("noise"));
    const Tensor loss = mean(terms.mse + terms.vb);
    loss.backward();
    const optim::ClipFactor gradient = optim::clip_grad_factor(optimizer.parameters(), 1);
    optimizer.step(2e-3, gradient.factor, &ema);
    CHECK_LT(difference(loss, select(losses, 0, i)), 2e-5);
    CHECK_LT(difference(scalar(gradient.norm), select(norms, 0, i)), 1e-4);
  }
  const auto check_all = [](const nn::NamedTensors& got, const nn::NamedTensors& want) {
    REQUIRE_EQ(got.size(), want.size());
    for (size_t i = 0; i < got.size(); ++i) {
      CAPTURE(got[i].name);
      CHECK_EQ(got[i].name, want[i].name);
      CHECK_LT(difference(got[i].tensor, want[i].tensor), 6e-5);
    }
  };
  check_all(nn::named_tensors(model), golden.with_prefix("train.end."));
  check_all(ema.state(), golden.with_prefix("train.ema."));
}

TEST_CASE("trainer: learns, and reports its metrics") {
  Run run;
  double first = 0, last = 0;
  int64_t samples = 0;
  for (int64_t k = 0; k < 120; ++k) {
    const Batch batch(k);
    const StepMetrics m = run.trainer.step(batch.data, batch.labels);
    if (k < 10) first += m.loss;
    if (k >= 110) last += m.loss;
    CHECK_EQ(m.lr, doctest::Approx(3e-3 * std::min(1., double(k + 1) / 3)));
    CHECK_GT(m.grad_norm, 0);
    double sum = 0;
    for (int i = 0; i < LossByTime::bins; ++i) {
      sum += m.loss_by_time.sum[size_t(i)];
      samples += m.loss_by_time.samples[size_t(i)];
    }
    CHECK_EQ(sum / 16, doctest::Approx(m.loss).epsilon(1e-5));
  }
  CHECK_EQ(samples, 120 * 16);
  CHECK_LT(last, .75 * first);
  CHECK_EQ(run.trainer.steps(), 120);
  REQUIRE(run.trainer.ema() != nullptr);
  CHECK_EQ(run.trainer.ema()->updates(), 120);
}

TEST_CASE("trainer: a restored run goes on with the same bits") {
  Run straight, stopped;
  std::vector<double> losses;
  for (int64_t k = 0; k < 8; ++k) {
    const Batch batch(k);
    losses.push_back(straight.trainer.step(batch.data, batch.labels).loss);
  }
  for (int64_t k = 0; k < 3; ++k) {
    const Batch batch(k);
    stopped.trainer.step(batch.data, batch.labels);
  }
  training::TrainState state;
  stopped.trainer.capture(state);
  stopped.trainer.capture(state);  // a second time adds nothing
  CHECK_EQ(state.step, 3);
  CHECK_EQ(state.random.size(), 1);

  Run resumed;
  resumed.trainer.step(Batch(50).data, Batch(50).labels);  // what it did before does not matter
  resumed.trainer.restore(state);
  CHECK_EQ(resumed.trainer.steps(), 3);
  for (int64_t k = 3; k < 8; ++k) {
    const Batch batch(k);
    CHECK_EQ(resumed.trainer.step(batch.data, batch.labels).loss, losses[size_t(k)]);
  }
  CHECK(all_values(resumed.model) == all_values(straight.model));
  CHECK(all_values(resumed.trainer.ema()->state()) == all_values(straight.trainer.ema()->state()));

  training::TrainState other_seed = state;
  other_seed.random[0].seed = 5;
  CHECK_THROWS_WITH_AS(resumed.trainer.restore(other_seed),
                       "the checkpoint was trained with seed 5, this run has seed 0; a resumed run needs the same",
                       ConfigError);
  training::TrainState no_stream = state;
  no_stream.random.clear();
  CHECK_THROWS_AS(resumed.trainer.restore(no_stream), ConfigError);
  CHECK_EQ(resumed.trainer.steps(), 8);
}

TEST_CASE("trainer: the seed decides, and steps differ") {
  const auto losses = [](uint64_t seed) {
    Run run({.seed = seed});
    const Batch batch(0);
    std::vector<double> values;
    for (int i = 0; i < 3; ++i) values.push_back(run.trainer.step(batch.data, batch.labels).loss);
    return values;
  };
  CHECK(losses(1) == losses(1));
  CHECK_NE(losses(1)[0], losses(2)[0]);
  CHECK_NE(losses(1)[0], losses(1)[1]);
}

TEST_CASE("trainer: the same bits at every number of threads") {
  // Large enough that every kernel shares its work out.
  const DiTConfig config = {.height = 28,
                            .width = 28,
                            .channels = 1,
                            .patch = {1, 4, 4},
                            .hidden = 96,
                            .depth = 1,
                            .heads = 4,
                            .classes = 10,
                            .learn_sigma = false};
  const auto train = [&](int threads) {
    set_num_threads(threads);
    Generator rng(1);
    DiT model(config, rng);
    const Network network = [&](const Tensor& x, const Tensor& t, const Tensor& y) { return model(x, t, y); };
    Trainer trainer(model, network, std::make_shared<Flow>(),
                    std::make_unique<optim::AdamW>(nn::named_parameters(model)),
                    {.class_dropout = .1,
                     .null_condition = config.null_condition(),
                     .clip_norm = 1,
                     .ema_decay = .9,
                     .schedule = {.lr = 4e-3}});
    std::vector<float> result;
    for (int i = 0; i < 3; ++i) {
      const StepMetrics m = trainer.step(rng.normal({16, 1, 28, 28}), rng.randint(0, 10, {16}));
      result.push_back(float(m.loss));
      result.push_back(float(m.grad_norm));
    }
    const std::vector<float> weights = all_values(model), averages = all_values(trainer.ema()->state());
    result.insert(result.end(), weights.begin(), weights.end());
    result.insert(result.end(), averages.begin(), averages.end());
    return result;
  };
  const int before = num_threads();
  const std::vector<float> one = train(1);
  for (const int threads : {2, 3, 4, 8}) {
    CAPTURE(threads);
    CHECK(train(threads) == one);
  }
  set_num_threads(before);
}

TEST_CASE("trainer: labels are dropped at the given rate, anew each step") {
  Generator rng(1);
  DiT model(tiny, rng);
  std::vector<int64_t> seen;
  const Network spy = [&](const Tensor& x, const Tensor& t, const Tensor& y) {
    for (const int64_t label : y.to_vector<int64_t>()) seen.push_back(label);
    return model(x, t, y);
  };
  Trainer trainer(model, spy, std::make_shared<Flow>(), std::make_unique<optim::AdamW>(nn::named_parameters(model)),
                  {.class_dropout = .3, .null_condition = tiny.null_condition(), .schedule = {.lr = 1e-3}});
  for (int i = 0; i < 2; ++i) trainer.step(zeros({1000, 1, 4, 4}), full({1000}, 1, DType::i64));
  int64_t dropped = 0, changed = 0;
  for (size_t i = 0; i < 1000; ++i) {
    CHECK((seen[i] == 1 || seen[i] == 2));
    dropped += seen[i] == 2;
    changed += seen[i] != seen[1000 + i];
  }
  CHECK_EQ(double(dropped), doctest::Approx(300).epsilon(.15));
  CHECK_EQ(double(changed), doctest::Approx(420).epsilon(.15));  // 2 * .3 * .7
}

TEST_CASE("trainer: a prompt is dropped as a whole") {
  Generator rng(1);
  DiT model(tiny, rng);
  const Tensor none = from_vector<int64_t>({7, 0, 0}), labels = zeros({500}, DType::i64);
  int64_t dropped = 0;
  const Network spy = [&](const Tensor& x, const Tensor& t, const Tensor& prompts) {
    REQUIRE(prompts.shape() == Shape{500, 3});
    const std::vector<int64_t> tokens = prompts.to_vector<int64_t>();
    for (size_t i = 0; i < tokens.size(); i += 3) {
      const std::vector<int64_t> prompt(tokens.begin() + int64_t(i), tokens.begin() + int64_t(i) + 3);
      const bool empty = prompt == std::vector<int64_t>{7, 0, 0};
      CHECK((empty || prompt == std::vector<int64_t>{1, 2, 3}));
      dropped += empty;
    }
    return model(x, t, labels);
  };
  const auto make = [&](const Tensor& null_condition) {
    return Trainer(model, spy, std::make_shared<Flow>(), std::make_unique<optim::AdamW>(nn::named_parameters(model)),
                   {.class_dropout = .2, .null_condition = null_condition, .schedule = {.lr = 1e-3}});
  };
  const Tensor data = zeros({500, 1, 4, 4}), prompts = repeat(from_vector<int64_t>({1, 2, 3}), {500, 1});
  make(none).step(data, prompts);
  CHECK_EQ(double(dropped), doctest::Approx(100).epsilon(.25));
  CHECK_THROWS_WITH_AS(make(scalar(7, DType::i64)).step(data, prompts),
                       "null_condition must have the shape of one sample's condition; it has [], the batch [500, 3]",
                       ShapeError);
  CHECK_THROWS_WITH_AS(make({}).step(data, prompts), "conditions cannot be dropped: no null_condition was given",
                       ConfigError);
}

TEST_CASE("R14: what is not finite in a step is named, and nothing has changed") {
  const double bad = std::numeric_limits<double>::quiet_NaN();
  const Batch batch(0);

  SUBCASE("data") {
    Run run;
    run.trainer.step(batch.data, batch.labels);
    const std::vector<float> before = all_values(run.model), average = all_values(run.trainer.ema()->state());
    CHECK_THROWS_WITH_AS(run.trainer.step(batch.data * bad, batch.labels),
                         "the loss of step 1 is NaN: the batch holds a value that is not finite", Error);
    CHECK(all_values(run.model) == before);
    CHECK(all_values(run.trainer.ema()->state()) == average);
    CHECK_EQ(run.trainer.steps(), 1);
    CHECK(std::isfinite(run.trainer.step(batch.data, batch.labels).loss));  // and it can go on
  }
  SUBCASE("a weight") {
    Run run;
    for (const auto& [name, tensor] : nn::named_parameters(run.model)) {
      if (name == "final_layer.linear.bias") tensor.mutable_data<float>()[1] = std::numeric_limits<float>::infinity();
    }
    CHECK_THROWS_WITH_AS(run.trainer.step(batch.data, batch.labels),
                         "the loss of step 0 is infinite: final_layer.linear.bias holds a value that is not finite",
                         Error);
    CHECK_EQ(run.trainer.steps(), 0);
  }
  SUBCASE("a gradient") {
    auto objective = std::make_shared<BadGradient>();
    Run run({}, objective);
    for (const auto& [name, tensor] : nn::named_parameters(run.model)) {
      if (name == "blocks.0.mlp.fc1.bias") objective->parameter = tensor;  // all zero at the start
    }
    const std::vector<float> before = all_values(run.model);
    std::string message;
    try {
      run.trainer.step(batch.data, batch.labels);
    } catch (const Error& e) {
      message = e.what();
    }
    CHECK(message.find("blocks.0.mlp.fc1.bias") != std::string::npos);
    CHECK(all_values(run.model) == before);
    CHECK_EQ(run.trainer.steps(), 0);
  }
}

TEST_CASE("trainer: the first step finds a parameter that the model does not list") {
  Generator rng(1);
  DiT model(tiny, rng);
  const Tensor forgotten = full({1}, .5).set_requires_grad();
  const Network network = [&](const Tensor& x, const Tensor& t, const Tensor& y) { return model(x, t, y) + forgotten; };
  Trainer trainer(model, network, std::make_shared<Flow>(), std::make_unique<optim::AdamW>(nn::named_parameters(model)),
                  {.schedule = {.lr = 1e-3}});
  const Batch batch(0);
  CHECK_THROWS_AS(trainer.step(batch.data, batch.labels), AutogradError);
  CHECK_EQ(trainer.steps(), 0);
}

TEST_CASE("trainer: settings out of range are refused") {
  const auto make = [](const TrainerConfig& config) {
    Generator rng(1);
    DiT model(tiny, rng);
    Trainer(model, {}, std::make_shared<Flow>(), std::make_unique<optim::AdamW>(nn::named_parameters(model)), config);
  };
  CHECK_NOTHROW(make({}));
  CHECK_THROWS_AS(make({.class_dropout = 1.5}), ConfigError);
  CHECK_THROWS_AS(make({.clip_norm = -1}), ConfigError);
  CHECK_THROWS_AS(make({.ema_decay = 1}), ConfigError);
  CHECK_THROWS_AS(make({.schedule = {.lr = -1}}), ConfigError);
}
