// Numbers that overflow: the run stops with the name of the tensor, and no good checkpoint is replaced.
#include <doctest/doctest.h>

#include <cmath>
#include <filesystem>
#include <limits>

#include <ditharos/autograd/grad_mode.h>
#include <ditharos/autograd/inspect/non_finite.h>
#include <ditharos/autograd/ops.h>
#include <ditharos/models/diffusion/flow.h>
#include <ditharos/models/dit/dit.h>
#include <ditharos/nn/linear.h>
#include <ditharos/optim/adam.h>
#include <ditharos/training/checkpoint/checkpoint_folder.h>
#include <ditharos/training/trainer.h>
#include "tests/support/data_files.h"
#include "tests/support/small_runs.h"
#include "tests/support/temporary_folder.h"

using namespace ditharos;
using namespace ditharos::tests;

namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();

/// A state with one tensor in each list.
training::TrainState state_at(int64_t step) {
  training::TrainState state;
  state.step = step;
  state.model = {{"fc.weight", ones({2, 3})}};
  state.ema = {{"fc.weight", ones({2, 3})}};
  state.optimizer = {{"fc.weight/exp_avg_sq", ones({2, 3})}, {"fc.weight/step", ones({}, DType::i64)}};
  return state;
}

struct Net : nn::Module<Net> {
  nn::Linear first, second;
  explicit Net(Generator& rng) : first(4, 4, rng), second(4, 4, rng) {}
  void visit(nn::Visitor& v) override { v("first", first), v("second", second); }
};

/// A loss of moderate size with the gradient `size` for every element of a parameter.
struct SteepObjective : models::Objective {
  Tensor parameter;
  double size;
  SteepObjective(Tensor p, double s) : parameter(std::move(p)), size(s) {}
  models::Loss loss(const models::Denoiser& model, const Tensor& data, Generator&) const override {
    const Tensor total = mean(model(data, zeros({data.size(0)}))) + sum(parameter - parameter.detach()) * size;
    return {total, full({data.size(0)}, 1), full({data.size(0)}, .5)};
  }
  double progress(double t) const override { return t; }
};

std::vector<float> values_of(Net& net) { return net.second.weight.to_vector<float>(); }

}  // namespace

TEST_CASE("R14: a state that is not finite is named and never saved over a good one") {
  const TemporaryFolder temporary;
  training::CheckpointFolder folder(temporary.path(), 1);
  folder.save(state_at(1));
  for (const double bad : {infinity, -infinity, std::nan("")}) {
    const auto refused = [&](nn::NamedTensors training::TrainState::* list, const std::string& what) {
      training::TrainState state = state_at(2);
      (state.*list)[0].tensor.mutable_data<float>()[4] = float(bad);
      const std::string message = message_of<Error>([&] { folder.save(state); });
      CHECK_MESSAGE(contains(message, "at step 2 " + what + " holds 1 of 6 values that are not finite"), message);
      CHECK(training::latest_valid(temporary.path()).path == folder.path_of(1));
      CHECK(!std::filesystem::exists(folder.path_of(2)));
    };
    refused(&training::TrainState::model, "\"fc.weight\" of the model");
    refused(&training::TrainState::ema, "\"fc.weight\" of the ema");
    refused(&training::TrainState::optimizer, "\"fc.weight/exp_avg_sq\" of the optimizer");
  }
  folder.save(state_at(2));
  CHECK(!std::filesystem::exists(folder.path_of(1)));
}

TEST_CASE("R14: an overflow of activations names the operation and the module") {
  Generator rng(1);
  models::DiT model({.height = 4,
                     .width = 4,
                     .channels = 1,
                     .patch = {1, 2, 2},
                     .hidden = 16,
                     .depth = 2,
                     .heads = 2,
                     .classes = 2,
                     .learn_sigma = false},
                    rng);
  training::Trainer trainer(model, [&](const Tensor& x, const Tensor& t, const Tensor& y) { return model(x, t, y); },
                            std::make_shared<models::Flow>(models::FlowConfig{.time_scale = 1000}),
                            std::make_unique<optim::AdamW>(nn::named_parameters(model)), {});
  const Tensor data = rng.normal({4, 1, 4, 4}), labels = zeros({4}, DType::i64);
  trainer.step(data, labels);
  for (const auto& [name, tensor] : nn::named_parameters(model))
    if (name == "blocks.1.mlp.fc1.weight") std::fill_n(tensor.mutable_data<float>(), tensor.numel(), 3e38f);
  const std::string message = message_of<Error>([&] { trainer.step(data, labels); });
  CHECK_MESSAGE(contains(message,
                         "the loss of step 1 is NaN although data and weights are finite: the first result "
                         "that is not finite is that of "),
                message);
  CHECK_MESSAGE(contains(message, " in blocks.1.mlp"), message);
  CHECK_EQ(trainer.steps(), 1);
}

TEST_CASE("R14: the search for an overflow passes over masks and restores the observer") {
  const NonFiniteSearch outer;
  {
    const NonFiniteSearch search;
    const Tensor mask = greater(from_vector(std::vector<float>{1, 0, 1}), zeros({3}));
    CHECK(search.found().empty());
    const Tensor scores = where(mask, ones({3}), full({3}, -infinity));
    softmax(scores, -1);
    CHECK(search.found().empty());
    const Tensor large = full({3}, 1e30) * full({3}, 1e30);
    exp(large);
    CHECK_EQ(search.found(), "mul, of shape [3]");
  }
  CHECK(outer.found().empty());
  log(zeros({2}));
  CHECK_EQ(outer.found(), "log, of shape [2]");
}

TEST_CASE("R14: a gradient whose squares overflow is named before it spoils the optimiser's state") {
  for (const double size : {1e18, 1e19, 1e25}) {
    CAPTURE(size);
    Generator rng(1);
    Net net(rng);
    auto objective = std::make_shared<SteepObjective>(net.second.weight, size);
    const auto network = [&](const Tensor& x, const Tensor&, const Tensor&) { return net.second(net.first(x)); };
    training::Trainer trainer(net, network, objective, std::make_unique<optim::AdamW>(nn::named_parameters(net)), {});
    const std::vector<float> before = values_of(net);
    const std::string message = message_of<Error>([&] { trainer.step(ones({2, 4})); });
    if (size == 1e18) {
      CHECK_EQ(message, "");
      continue;
    }
    CHECK_MESSAGE(contains(message, "the largest part is that of second.weight"), message);
    CHECK(values_of(net) == before);
    CHECK_EQ(trainer.steps(), 0);
  }
}

TEST_CASE("R14: a program whose numbers overflow ends with the name of a tensor and its good checkpoint") {
  const TemporaryFolder folder;
  const std::string run = folder / "run";
  const Arguments base = small_dit("shapes", run, {"--warmup", "0", "--patch", "14"});
  const Outcome at_once = run_program("train_dit", with(base, {"--learning-rate", "1e38", "--steps", "1"}));
  CHECK_EQ(at_once.status, 1);
  CHECK_MESSAGE(contains(at_once.output, "values that are not finite, so no checkpoint is saved"), at_once.output);
  CHECK(!training::latest_valid(run + "/checkpoints").state);

  std::filesystem::remove_all(run);
  const Outcome later = run_program(
      "train_dit", with(base, {"--learning-rate", "1e3", "--clip", "0", "--steps", "40", "--checkpoint-every", "1"}));
  CHECK_EQ(later.status, 1);
  // Rounding, and so the instruction set, decides which overflows first: squares of the gradient or the activations.
  const bool squares = contains(later.output, "on its squares overflow; the largest part is that of t_embedder"),
             activations = contains(later.output, "the first result that is not finite is that of "),
             gradient = contains(later.output, "[clip_grad_factor] the gradient of \"");
  CHECK_MESSAGE((squares || activations || gradient), later.output);
  const training::LatestCheckpoint good = training::latest_valid(run + "/checkpoints");
  REQUIRE(good.state);
  training::check_finite(*good.state);
}
