// Validation on held-out data: the same figures at every number of threads, at fixed times, without a trace in the run.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <set>
#include <sstream>

#include <ditharos/models/diffusion/frame_flow.h>
#include <ditharos/models/diffusion/gaussian.h>
#include <ditharos/models/diffusion/mean_flow.h>
#include <ditharos/models/dit/dit.h>
#include <ditharos/optim/adam.h>
#include <ditharos/tensor/parallel.h>
#include <ditharos/training/held_out.h>
#include "tests/support/numbered_samples.h"
#include "tests/support/small_dit.h"
#include "tests/support/temporary_folder.h"
#include "tests/training/loop_run.h"

using namespace ditharos;
using namespace ditharos::models;
using namespace ditharos::tests;

namespace {

struct Case {
  const char* name;
  DiTConfig config;
  std::shared_ptr<const Objective> objective;
  Tensor data, conditions;
};
std::vector<Case> cases() {
  Generator rng(5);
  DiTConfig mean_flow = image_config(), gaussian = image_config();
  mean_flow.interval_times = true;
  gaussian.learn_sigma = true;
  const Tensor images = rng.normal({8, 2, 4, 6}), labels = rng.randint(0, 3, {8});
  const Tensor clips = rng.normal({8, 2, 2, 4, 4}), prompts = rng.randint(0, 9, {8, 5});
  return {{"flow", image_config(), std::make_shared<Flow>(), images, labels},
          {"vp", image_config(), std::make_shared<Flow>(FlowConfig{.path = PathKind::vp}), images, labels},
          {"gaussian", gaussian, std::make_shared<GaussianDiffusion>(), images, labels},
          {"mean_flow", mean_flow, std::make_shared<MeanFlow>(), images, labels},
          {"frame_flow", clip_config(), std::make_shared<FrameFlow>(), clips, prompts}};
}

}  // namespace

TEST_CASE("validation: every sample once in every bin, the same at 1 to 4 threads, and training is not disturbed") {
  const int before = num_threads();
  for (const Case& c : cases()) {
    CAPTURE(c.name);
    std::vector<training::LossByTime> found;
    std::vector<double> next_loss;
    for (const int threads : {1, 2, 3, 4}) {
      set_num_threads(threads);
      for (const bool validate : {true, false}) {
        Generator rng(3);
        DiT model = randomized(DiT(c.config, rng));
        training::Trainer trainer(
            model, [&](const Tensor& x, const Tensor& t, const Tensor& y) { return model(x, t, y); }, c.objective,
            std::make_unique<optim::AdamW>(nn::named_parameters(model)), {.ema_decay = .9, .schedule = {.lr = 1e-2}});
        trainer.step(c.data, c.conditions);
        if (validate) {
          found.push_back(trainer.validate({{c.data, c.conditions}, {c.data, c.conditions}}));
          CHECK(model.is_training());
        }
        next_loss.push_back(trainer.step(c.data, c.conditions).loss);
      }
    }
    for (const training::LossByTime& losses : found) CHECK(losses == found[0]);
    for (const double loss : next_loss) CHECK(loss == next_loss[0]);
    for (const int64_t samples : found[0].samples) CHECK(samples == 16);
    for (const double mean : found[0].means()) CHECK((std::isfinite(mean) && mean > 0));
  }
  set_num_threads(before);
}

TEST_CASE("validation: the averaged weights are measured, and a better model has a lower loss") {
  Generator rng(3);
  DiT model(image_config(), rng);
  const Tensor data = full({8, 2, 4, 6}, .7), labels = zeros({8}, DType::i64);
  training::Trainer trainer(model, [&](const Tensor& x, const Tensor& t, const Tensor& y) { return model(x, t, y); },
                            std::make_shared<Flow>(), std::make_unique<optim::AdamW>(nn::named_parameters(model)),
                            {.ema_decay = .5, .schedule = {.lr = 1e-2}});
  const double first = trainer.validate({{data, labels}}).mean();
  for (int i = 0; i < 60; ++i) trainer.step(data, labels);
  const double last = trainer.validate({{data, labels}}).mean();
  CHECK_LT(last, .8 * first);
  for (const auto& [name, tensor] : nn::named_parameters(model))
    std::fill_n(tensor.mutable_data<float>(), tensor.numel(), 0.f);
  CHECK(trainer.validate({{data, labels}}).mean() == last);  // the average is as it was
}

TEST_CASE("validation: held-out samples are evenly spaced over their source, and always the same") {
  const auto source = std::make_shared<NumberedClips>(10);
  const auto indices = [&](int64_t count, int64_t batch) {
    std::vector<int64_t> all;
    for (const data::Batch& b : training::held_out_batches(*source, {1, 2, 2}, count, batch)) {
      CHECK(int64_t(b.indices.size()) <= batch);
      all.insert(all.end(), b.indices.begin(), b.indices.end());
    }
    return all;
  };
  CHECK(indices(5, 2) == std::vector<int64_t>{0, 2, 4, 6, 8});
  CHECK(indices(3, 8) == std::vector<int64_t>{0, 3, 6});
  CHECK(indices(100, 4) == std::vector<int64_t>{0, 1, 2, 3, 4, 5, 6, 7, 8, 9});
}

TEST_CASE("validation: a run writes val_loss and the loss by timestep, and keeps the best checkpoints") {
  const TemporaryFolder folder;
  LoopRun setup{.folder = folder / "run"};
  setup.output = {.sample_every = 0,
                  .checkpoint_every = 0,
                  .log_every = 4,
                  .keep_checkpoints = 1,
                  .keep_best = 2,
                  .keep_every = 9,
                  .validate_every = 3};
  train(setup);
  const std::string metrics = read_file(folder / "run/metrics.jsonl", 1 << 20);
  std::map<int64_t, double> losses;
  std::istringstream lines(metrics);
  int64_t with_bins = 0;
  for (std::string line; std::getline(lines, line);) {
    with_bins += line.find("\"loss_bins\": [") != std::string::npos;
    if (const size_t at = line.find("\"val_loss\": "); at != std::string::npos) {
      CHECK(line.find("\"val_loss_bins\": [") != std::string::npos);
      losses[std::stoll(line.substr(9))] = std::stod(line.substr(at + 12));
    }
  }
  CHECK(with_bins == 24 / 4);
  REQUIRE(losses.size() == 8);
  std::vector<std::pair<double, int64_t>> order;
  for (const auto& [step, loss] : losses) order.emplace_back(loss, step);
  std::sort(order.begin(), order.end());
  std::set<int64_t> expected{24, 9, 18, order[0].second, order[1].second}, found;
  for (const auto& entry : std::filesystem::directory_iterator(folder / "run/checkpoints")) {
    const training::TrainState state = training::read_contents(entry.path().string()).state;
    found.insert(state.step);
    if (losses.contains(state.step)) CHECK(training::validation_loss(state) == losses[state.step]);
  }
  CHECK(found == expected);
}
