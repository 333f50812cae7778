// Gradient accumulation: the gradient of a large batch from small ones, reproducible and resumable.
#include <doctest/doctest.h>

#include <cmath>

#include <ditharos/models/diffusion/frame_flow.h>
#include <ditharos/models/diffusion/mean_flow.h>
#include <ditharos/models/dit/dit.h>
#include <ditharos/optim/sgd.h>
#include "tests/support/small_dit.h"
#include "tests/support/temporary_folder.h"
#include "tests/training/loop_run.h"

using namespace ditharos;
using namespace ditharos::models;
using namespace ditharos::tests;

namespace {

/// Times and noise from the data themselves, so that they do not depend on the batch that a sample is in: the first
/// half of the channels is the sample, the second the noise, whose first element gives the time.
struct FixedDraws : Objective {
  int64_t axis;
  explicit FixedDraws(int64_t channels_axis) : axis(channels_axis) {}
  virtual Tensor terms(const Denoiser& model, const Tensor& x, const std::vector<double>& t,
                       const Tensor& noise) const = 0;
  Loss loss(const Denoiser& model, const Tensor& data, Generator&) const override {
    const int64_t channels = data.size(axis) / 2;
    const Tensor x = slice(data, axis, 0, channels), noise = contiguous(slice(data, axis, channels, 2 * channels));
    std::vector<double> t;
    for (int64_t i = 0; i < data.size(0); ++i)
      t.push_back(1 / (1 + std::exp(-select(noise, 0, i).to_vector<double>()[0])));
    const Tensor each = terms(model, x, t, noise);
    return {mean(each), each.detach(), from_vector(t)};
  }
  double progress(double t) const override { return t; }
};
struct FixedFlow : FixedDraws {
  Flow flow;
  FixedFlow() : FixedDraws(1) {}
  Tensor terms(const Denoiser& model, const Tensor& x, const std::vector<double>& t, const Tensor& n) const override {
    return flow.loss_terms(model, x, t, n);
  }
};
struct FixedMeanFlow : FixedDraws {
  MeanFlow flow;
  FixedMeanFlow() : FixedDraws(1) {}
  Tensor terms(const Denoiser& model, const Tensor& x, const std::vector<double>& t, const Tensor& n) const override {
    MeanFlow::Intervals intervals{t, t};
    for (double& end : intervals.end) end += (1 - end) / 2;
    return flow.loss_terms(model, x, intervals, n, x - n);
  }
};
struct FixedFrameFlow : FixedDraws {
  FrameFlow flow;
  FixedFrameFlow() : FixedDraws(2) {}
  Tensor terms(const Denoiser& model, const Tensor& x, const std::vector<double>& t, const Tensor& n) const override {
    ConditioningMask masks;
    Generator unused(0);
    for (const double time : t) {
      const FrameMask mask = time < .5 ? FrameMask::first : FrameMask::none;
      masks.push_back(FrameFlow::conditioning_frames(mask, x.size(1), unused));
    }
    return flow.loss_terms(model, x, t, masks, n);
  }
};

struct StepResult {
  training::StepMetrics metrics;
  std::vector<double> gradient;
};
/// One step with the data in parts of these sizes.
StepResult step_with(const DiTConfig& config, const std::shared_ptr<const Objective>& objective, const Tensor& data,
                     const Tensor& conditions, const std::vector<int64_t>& parts) {
  Generator rng(3);
  DiT model = randomized(DiT(config, rng));
  training::Trainer trainer(model, [&](const Tensor& x, const Tensor& t, const Tensor& y) { return model(x, t, y); },
                            objective, std::make_unique<optim::Sgd>(nn::named_parameters(model)),
                            {.schedule = {.lr = 1e-3}});
  std::vector<training::MicroBatch> batches;
  int64_t first = 0;
  for (const int64_t size : parts) {
    batches.push_back({slice(data, 0, first, first + size), slice(conditions, 0, first, first + size)});
    first += size;
  }
  StepResult result{trainer.step(batches), {}};
  for (const auto& [name, tensor] : nn::named_parameters(model))
    for (const double g : tensor.grad().to_vector<double>()) result.gradient.push_back(g);
  return result;
}

double relative_distance(const std::vector<double>& a, const std::vector<double>& b) {
  REQUIRE(a.size() == b.size());
  double difference = 0, size = 0;
  for (size_t i = 0; i < a.size(); ++i) {
    difference += (a[i] - b[i]) * (a[i] - b[i]);
    size += b[i] * b[i];
  }
  REQUIRE(size > 0);
  return std::sqrt(difference / size);
}

}  // namespace

TEST_CASE("accumulation: parts of a batch have the gradient and the loss of the whole, for every objective") {
  Generator rng(5);
  DiTConfig mean_flow = image_config();
  mean_flow.interval_times = true;
  const Tensor images = rng.normal({8, 4, 4, 6}), labels = rng.randint(0, 3, {8});
  const Tensor clips = rng.normal({8, 2, 4, 4, 4}), prompts = rng.randint(0, 9, {8, 5});
  struct Case {
    const char* name;
    DiTConfig config;
    std::shared_ptr<const Objective> objective;
    Tensor data, conditions;
  };
  const Case cases[] = {{"flow", image_config(), std::make_shared<FixedFlow>(), images, labels},
                        {"mean_flow", mean_flow, std::make_shared<FixedMeanFlow>(), images, labels},
                        {"frame_flow", clip_config(), std::make_shared<FixedFrameFlow>(), clips, prompts}};
  for (const Case& c : cases) {
    CAPTURE(c.name);
    const StepResult whole = step_with(c.config, c.objective, c.data, c.conditions, {8});
    for (const std::vector<int64_t>& parts : {std::vector<int64_t>{4, 4}, {2, 2, 2, 2}, {1, 5, 2}}) {
      CAPTURE(parts.size());
      const StepResult split = step_with(c.config, c.objective, c.data, c.conditions, parts);
      CHECK_LT(relative_distance(split.gradient, whole.gradient),
               4e-6);  // f32: 9 to 18 roundings, twice as many without FMA
      CHECK(split.metrics.loss == doctest::Approx(whole.metrics.loss).epsilon(1e-6));
      CHECK(split.metrics.grad_norm == doctest::Approx(whole.metrics.grad_norm).epsilon(1e-6));
      CHECK(split.metrics.loss_by_time.samples == whole.metrics.loss_by_time.samples);
      for (size_t bin = 0; bin < split.metrics.loss_by_time.sum.size(); ++bin)
        CHECK(split.metrics.loss_by_time.sum[bin] ==
              doctest::Approx(whole.metrics.loss_by_time.sum[bin]).epsilon(1e-5));
    }
  }
}

TEST_CASE("accumulation: the randomness of a part depends on seed, step and part alone") {
  const auto losses = [](const std::vector<int64_t>& parts) {
    Generator rng(3);
    const Tensor data = rng.normal({4, 2, 4, 6}), labels = rng.randint(0, 3, {4});
    std::vector<double> seen;
    DiT model = randomized(DiT(image_config(), rng));
    struct Spy : Flow {
      std::vector<double>& seen;
      explicit Spy(std::vector<double>& s) : seen(s) {}
      Loss loss(const Denoiser& model, const Tensor& data, Generator& generator) const override {
        seen.push_back(Generator(generator).uniform());
        return Flow::loss(model, data, generator);
      }
    };
    training::Trainer trainer(model, [&](const Tensor& x, const Tensor& t, const Tensor& y) { return model(x, t, y); },
                              std::make_shared<Spy>(seen), std::make_unique<optim::Sgd>(nn::named_parameters(model)),
                              {.schedule = {.lr = 1e-3}});
    for (const int64_t count : parts) trainer.step(std::vector<training::MicroBatch>(size_t(count), {data, labels}));
    return seen;
  };
  const std::vector<double> three = losses({3, 3}), two = losses({1, 2});
  CHECK(three[0] == two[0]);  // step 0, part 0
  CHECK(three[3] == two[1]);  // step 1, parts 0 and 1
  CHECK(three[4] == two[2]);
  for (size_t i = 0; i < three.size(); ++i)
    for (size_t j = 0; j < i; ++j) CHECK(three[i] != three[j]);
}

TEST_CASE("accumulation: a step takes as many batches, and a killed run goes on with the same bits") {
  const TemporaryFolder folder;
  LoopRun setup{.folder = folder / "whole"};
  setup.train.accumulate = 3;
  setup.train.steps = 8;
  setup.train.ema_decay = {.9, .99, .5};
  setup.output.validate_every = 2;
  setup.output.keep_best = 1;
  setup.output.keep_every = 4;
  const training::TrainingResult whole = train(setup);
  const training::TrainState end = training::load_checkpoint(whole.checkpoint);
  CHECK(end.position == 24);
  CHECK(end.more_averages.size() == 2);
  for (int64_t kill = 1; kill < 24; kill += 2) {
    CAPTURE(kill);
    std::filesystem::remove_all(folder / "cut");
    LoopRun cut = setup;
    cut.folder = folder / "cut";
    cut.kill_at = kill;
    CHECK_THROWS_AS(train(cut), Killed);
    cut.kill_at = -1;
    train(cut);
    REQUIRE(files_of(folder / "cut") == files_of(folder / "whole"));
  }
}
