// A training run by calls of the library alone: folder, resume, signals, log, reporter.
#include <doctest/doctest.h>

#include <csignal>
#include <filesystem>
#include <map>
#include <memory>

#include <ditharos/autograd/ops.h>
#include <ditharos/models/diffusion/flow.h>
#include <ditharos/nn/linear.h>
#include <ditharos/tensor/io/file.h>
#include <ditharos/training/training_loop.h>
#include "tests/support/message_of.h"
#include "tests/support/small_runs.h"
#include "tests/support/temporary_folder.h"

namespace ditharos::test_training_loop {

using tests::message_of;
using tests::TemporaryFolder;
namespace fs = std::filesystem;

namespace {

constexpr uint64_t most_bytes = 1 << 20;
volatile std::sig_atomic_t signals_heard = 0;

/// Everything that a run reports, one line each.
struct Listener : training::Reporter {
  std::string text;
  void note(const std::string& sentence) override { text += "note " + sentence + "\n"; }
  void begin(int64_t done, int64_t total) override {
    text += "begin " + std::to_string(done) + "/" + std::to_string(total) + "\n";
  }
  void step(int64_t done, const training::StepMetrics&) override { text += "step " + std::to_string(done) + "\n"; }
  void measured(int64_t done, const training::JsonObject& figures) override {
    text += "measured " + std::to_string(done) + " " + figures.text() + "\n";
  }
  void end() override { text += "end\n"; }
};

/// What the loop under test does beside training.
struct Setup {
  training::RunOptions options;
  int64_t steps = 6;
  std::function<void(int64_t step)> before_step = [](int64_t) {};
  training::Reporter& reporter = training::silent();
  bool catch_signals = true;
  std::string more_settings = "";  ///< of the configuration
};

/// A linear layer that learns a flow to batches that depend on the step alone.
training::TrainingResult train(const Setup& setup) {
  const training::RunOutputs outputs(setup.options, "samples.txt", setup.reporter);
  training::RunIdentity run{.kind = {"line", "a line"},
                            .configuration = "width = 3\n",
                            .data = "points = 8\n",
                            .train = {.steps = setup.steps, .batch_size = 8, .warmup = 2}};
  run.configuration += "steps = " + std::to_string(setup.steps) + "\n" + setup.more_settings;
  run.defaults = "width = 5\ndepth = 1\n";
  run.kind.may_change = {"steps"};
  Generator rng(1);
  nn::Linear model(3, 3, rng);
  training::Trainer trainer(
      model, [&](const Tensor& x, const Tensor&, const Tensor&) { return model(x); },
      std::make_shared<models::Flow>(models::FlowConfig{}), make_optimizer(model, run.train),
      trainer_config(run.train));
  int64_t next = 0;
  if (const auto state = state_to_resume(setup.options, run, setup.reporter)) {
    trainer.restore(*state);
    next = state->position;
  }
  return training::run_training(
      {.trainer = trainer,
       .outputs = outputs,
       .run = run,
       .output = {.sample_every = 3, .checkpoint_every = 2, .log_every = 1},
       .next_batch =
           [&] {
             setup.before_step(next);
             return training::TrainingBatch{Generator(7).fork(uint64_t(next++)).normal({8, 3})};
           },
       .describe = [&](training::TrainState& state) { state.position = next; },
       .show =
           [&](const std::string& path) {
             const training::AveragedWeights averaged(trainer);
             AtomicFile file(path);
             file.write("sample", 6);
             file.commit();
             return training::JsonObject().add("weight", select(select(model.weight, 0, 0), 0, 0).item());
           },
       .reporter = setup.reporter,
       .catch_signals = setup.catch_signals});
}

/// Every reproducible file of a run with its bytes, by its path in the folder.
std::map<std::string, std::string> contents_of(const std::string& folder) {
  std::map<std::string, std::string> contents;
  for (const auto& entry : fs::recursive_directory_iterator(folder))
    if (entry.is_regular_file() && tests::is_reproducible(entry.path().string()))
      contents[fs::relative(entry.path(), folder).string()] = read_file(entry.path().string(), most_bytes);
  return contents;
}

}  // namespace

TEST_CASE("R2: a run that a signal ends goes on to the same bytes") {
  const TemporaryFolder folder;
  const training::TrainingResult whole = train({.options = {.folder = folder / "whole"}});
  CHECK_EQ(whole.steps, 6);
  CHECK_EQ(whole.signal, 0);
  CHECK_EQ(whole.trace, "");
  for (const std::string& file : {whole.checkpoint, whole.metrics, whole.samples}) CHECK(fs::is_regular_file(file));

  const auto stop = [](int64_t step) {
    if (step == 2) std::raise(SIGTERM);
  };
  Setup setup{.options = {.folder = folder / "cut", .resume = "auto"}, .before_step = stop};
  const training::TrainingResult cut = train(setup);
  CHECK_EQ(cut.steps, 3);  // the step that the signal came in is finished
  CHECK_EQ(cut.signal, SIGTERM);
  CHECK(fs::is_regular_file(cut.checkpoint));
  CHECK_EQ(train({.options = setup.options}).signal, 0);
  CHECK(contents_of(folder / "cut") == contents_of(folder / "whole"));
}

TEST_CASE("training loop: a reporter gets every step, and the checkpoint that a run resumes") {
  const TemporaryFolder folder;
  Listener first, second;
  train({.options = {.folder = folder / "run"}, .steps = 3, .reporter = first});
  CHECK(first.text.starts_with("begin 0/3\nstep 1\nstep 2\nstep 3\nmeasured 3 {\"weight\": "));
  CHECK(first.text.ends_with("}\nend\n"));
  train({.options = {.folder = folder / "run", .resume = "auto"}, .steps = 4, .reporter = second});
  const std::string checkpoint = folder / "run/checkpoints/step_00000003.ckpt";
  CHECK_MESSAGE(second.text.starts_with("note going on from " + checkpoint + "\nnote steps = 4 instead of 3: the "),
                second.text);
  CHECK_MESSAGE(second.text.find("begin 3/4\nmeasured 3 ") != std::string::npos, second.text);
}

TEST_CASE("training loop: a setting that a run's version did not have must keep its default") {
  const TemporaryFolder folder;
  train({.options = {.folder = folder / "run"}, .steps = 3});
  const auto resumed = [&](const std::string& settings) {
    return message_of<ConfigError>([&] {
      train({.options = {.folder = folder / "run", .resume = "auto"}, .steps = 3, .more_settings = settings});
    });
  };
  CHECK_EQ(resumed("depth = 1\n"), "");
  CHECK(resumed("depth = 2\n").find("with other settings: depth = 2 instead of nothing; keep them") !=
        std::string::npos);
  CHECK(resumed("height = 1\n").find("height = 1 instead of nothing") != std::string::npos);  // has no default
}

TEST_CASE("training loop: messages have the names of the library's options, or those of the caller") {
  const TemporaryFolder folder;
  const std::string run = folder / "run";
  train({.options = {.folder = run}});
  const auto refusal = [&](const training::RunOptions& options) {
    return message_of<ConfigError>([&] { train({.options = options}); });
  };
  CHECK_EQ(refusal({.folder = run}), "\"" + run +
                                         "\" already holds checkpoints of a run; resume auto goes on with it, "
                                         "another folder begins beside it");
  CHECK_EQ(refusal({.folder = run, .names = {.folder = "--out", .resume = "--resume"}}),
           "\"" + run +
               "\" already holds checkpoints of a run; --resume auto goes on with it, another --out begins "
               "beside it");
  const training::RunLock lock(run);
  CHECK_EQ(message_of<IoError>([&] { train({.options = {.folder = run, .resume = "auto"}}); }),
           "another process is training in " + run + "; wait for it or choose another folder");
}

TEST_CASE("training loop: signals can be left to the program") {
  const TemporaryFolder folder;
  signals_heard = 0;
  const auto old = std::signal(SIGUSR1, [](int) { signals_heard = signals_heard + 1; });
  const auto raise = [](int64_t) { std::raise(SIGUSR1); };
  const auto left = train({.options = {.folder = folder / "a"}, .before_step = raise, .catch_signals = false});
  CHECK_EQ(int(signals_heard), 6);
  const auto caught = train({.options = {.folder = folder / "b"}, .before_step = raise});
  CHECK_EQ(int(signals_heard), 6);
  std::raise(SIGUSR1);  // the program's own handler is back
  CHECK_EQ(int(signals_heard), 7);
  std::signal(SIGUSR1, old);
  CHECK_EQ(left.steps, 6);
  CHECK_EQ(left.signal, 0);
  CHECK_EQ(caught.steps, 1);
  CHECK_EQ(caught.signal, SIGUSR1);
}

}  // namespace ditharos::test_training_loop
