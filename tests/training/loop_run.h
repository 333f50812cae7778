#pragma once
// A small run of training::run_training by calls of the library, with faults in its data, loss, gradient and weights.
#include <filesystem>
#include <functional>
#include <limits>
#include <map>
#include <memory>
#include <stdexcept>
#include <string>

#include <ditharos/autograd/ops.h>
#include <ditharos/models/diffusion/flow.h>
#include <ditharos/nn/linear.h>
#include <ditharos/tensor/io/file.h>
#include <ditharos/training/training_loop.h>
#include "tests/support/small_runs.h"

namespace ditharos::tests {

/// Ends a run as kill -9 does: nothing is saved.
struct Killed : std::runtime_error {
  Killed() : std::runtime_error("killed") {}
};

/// A flow whose loss or gradient is NaN in batches that are marked by a first element above 100, resp. 200.
struct FaultyFlow : models::Flow {
  Tensor parameter;
  explicit FaultyFlow(Tensor p) : parameter(std::move(p)) {}
  models::Loss loss(const models::Denoiser& model, const Tensor& data, Generator& rng) const override {
    const double mark = data.to_vector<double>()[0];
    models::Loss found = models::Flow::loss(model, mark > 100 ? zeros(data.shape()) : data, rng);
    if (mark > 200) {  // the slope of the root is infinite at 0
      found.total = found.total + sum(sqrt(abs(parameter - parameter.detach())) * 0.0);
    } else if (mark > 100) {
      found.total = found.total * std::numeric_limits<double>::quiet_NaN();
    }
    return found;
  }
};

/// What happens at a batch, counted over the whole data.
enum class Fault { none, nan_data, nan_loss, nan_gradient, nan_weight };

struct LoopRun {
  std::string folder, resume = "auto";
  training::TrainSettings train = {.steps = 24, .batch_size = 4, .warmup = 2};
  training::OutputSettings output = {.sample_every = 0, .checkpoint_every = 5, .log_every = 3};
  std::function<Fault(int64_t batch)> fault = [](int64_t) { return Fault::none; };
  int64_t kill_at = -1;  ///< the call for a batch, counted in this process, that ends it
  training::Reporter* reporter = &training::silent();
  bool dry_run = false;
  training::Communicator* ranks = nullptr;  ///< null: one process
};

/// Trains a linear layer. The configuration lists what matters for a resume.
inline training::TrainingResult train(const LoopRun& setup) {
  const training::RunOptions options{
      .folder = setup.folder, .resume = setup.resume, .dry_run = setup.dry_run, .ranks = setup.ranks};
  const training::RunOutputs outputs(options, "", *setup.reporter);
  training::RunIdentity run{
      .kind = {"line", "a line"}, .configuration = "width = 3\n", .data = "points = 8\n", .train = setup.train};
  Generator rng(1);
  nn::Linear model(3, 3, rng);
  training::TrainerConfig config = trainer_config(run.train);
  config.ranks = setup.ranks;
  training::Trainer trainer(
      model, [&](const Tensor& x, const Tensor&, const Tensor&) { return model(x); },
      std::make_shared<FaultyFlow>(model.bias), make_optimizer(model, run.train), config);
  int64_t next = 0, calls = 0;
  if (const auto state = state_to_resume(options, run, *setup.reporter)) {
    trainer.restore(*state);
    next = setup.train.overfit_one_batch ? 0 : state->position;
  }
  const auto next_batch = [&] {
    if (calls++ == setup.kill_at) throw Killed();
    const int64_t batch = next++;
    Tensor data = Generator(7).fork(uint64_t(batch)).normal({4, 3});
    float* first = data.mutable_data<float>();
    switch (setup.fault(batch)) {
      case Fault::none: break;
      case Fault::nan_data: *first = std::numeric_limits<float>::quiet_NaN(); break;
      case Fault::nan_loss: *first = 150; break;
      case Fault::nan_gradient: *first = 250; break;
      case Fault::nan_weight: model.bias.mutable_data<float>()[1] = std::numeric_limits<float>::infinity(); break;
    }
    return training::TrainingBatch{data, {}, {4 * batch, 4 * batch + 1, 4 * batch + 2, 4 * batch + 3}};
  };
  return training::run_training(
      {.trainer = trainer,
       .outputs = outputs,
       .run = run,
       .output = setup.output,
       .next_batch = next_batch,
       .held_out = [] { return std::vector<training::MicroBatch>{{Generator(8).normal({6, 3})}}; },
       .describe = [&](training::TrainState& state) { state.position = next; },
       .reporter = *setup.reporter,
       .catch_signals = false});
}

/// Every file of a run that does not hold times, with its bytes, by its path in the folder.
inline std::map<std::string, std::string> files_of(const std::string& folder) {
  std::map<std::string, std::string> contents;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder))
    if (entry.is_regular_file() && is_reproducible(entry.path().string()))
      contents[std::filesystem::relative(entry.path(), folder).string()] = read_file(entry.path().string(), 1 << 22);
  return contents;
}

}  // namespace ditharos::tests
