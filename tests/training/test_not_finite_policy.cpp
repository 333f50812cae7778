// What a run does with steps that are not finite: stop, skip, or roll back; and resuming with the same bits (R14).
#include <doctest/doctest.h>

#include <cmath>

#include <ditharos/tensor/io/safetensors.h>
#include "tests/support/data_files.h"
#include "tests/support/message_of.h"
#include "tests/support/temporary_folder.h"
#include "tests/training/loop_run.h"

using namespace ditharos;
using namespace ditharos::tests;
using training::OnNotFinite;
namespace fs = std::filesystem;

namespace {

struct Notes : training::Reporter {
  std::string text;
  void note(const std::string& sentence) override { text += sentence + "\n"; }
};

std::function<Fault(int64_t)> at(const std::map<int64_t, Fault>& faults) {
  return [faults](int64_t batch) {
    const auto found = faults.find(batch);
    return found == faults.end() ? Fault::none : found->second;
  };
}

LoopRun run_in(const std::string& folder, OnNotFinite policy, std::function<Fault(int64_t)> fault) {
  LoopRun run{.folder = folder, .fault = std::move(fault)};
  run.train.on_not_finite = policy;
  return run;
}

std::string metrics_of(const std::string& folder) { return read_file(folder + "/metrics.jsonl", 1 << 20); }

/// Kills a run at every call for a batch, and goes on with it until it ends; its files must be those of `whole`.
void check_every_kill(const LoopRun& setup, const std::string& whole, const std::string& scratch) {
  const auto expected = files_of(whole);
  for (int64_t kill = 0; kill < 60; ++kill) {
    CAPTURE(kill);
    fs::remove_all(scratch);
    LoopRun cut = setup;
    cut.folder = scratch;
    cut.kill_at = kill;
    try {
      train(cut);
      return;  // it ended before that call
    } catch (const Killed&) {
    }
    cut.kill_at = -1;
    train(cut);
    REQUIRE(files_of(scratch) == expected);
  }
  FAIL("the run did not end");
}

}  // namespace

TEST_CASE("R14: a run stops at the first step that is not finite, with its batch in a file") {
  const std::pair<Fault, const char*> faults[] = {{Fault::nan_data, "the batch holds a value that is not finite"},
                                                  {Fault::nan_loss, "although data and weights are finite"},
                                                  {Fault::nan_gradient, "the gradient of \"bias\""},
                                                  {Fault::nan_weight, "bias holds a value that is not finite"}};
  for (const auto& expected : faults) {
    const Fault fault = expected.first;
    const std::string reason = expected.second;
    CAPTURE(reason);
    const TemporaryFolder folder;
    const std::string run = folder / "run";
    const std::string message =
        message_of<training::NotFiniteError>([&] { train(run_in(run, OnNotFinite::stop, at({{7, fault}}))); });
    CHECK_MESSAGE(contains(message, reason), message);
    const std::string file = run + "/not_finite/step_00000007.safetensors";
    CHECK_MESSAGE(contains(message, "its batch is in " + file), message);
    const safetensors::Contents contents = safetensors::load(file);
    CHECK(contents.tensors.at("indices").to_vector<int64_t>() == std::vector<int64_t>{28, 29, 30, 31});
    CHECK(contents.tensors.at("samples").shape() == Shape{4, 3});
    CHECK(contents.metadata.at("step") == "7");
    CHECK(contains(contents.metadata.at("reason"), reason));
    const training::LatestCheckpoint last = training::latest_valid(run + "/checkpoints");
    REQUIRE(last.state);
    CHECK(last.state->step == 5);
    training::check_finite(*last.state);
  }
}

TEST_CASE("R14: skip leaves out the updates of such steps, counts them, and resumes with the same bits") {
  const TemporaryFolder folder;
  const LoopRun setup = run_in(folder / "whole", OnNotFinite::skip,
                               at({{2, Fault::nan_loss},
                                   {7, Fault::nan_data},
                                   {8, Fault::nan_gradient},
                                   {9, Fault::nan_loss},
                                   {15, Fault::nan_gradient}}));
  const training::TrainingResult whole = train(setup);
  CHECK(whole.steps == 24);
  const std::string metrics = metrics_of(folder / "whole");
  CHECK_MESSAGE(contains(metrics, "{\"step\": 3, \"skipped\": 1, \"reason\": \"the loss of step 2 is NaN"), metrics);
  CHECK_MESSAGE(contains(metrics, "{\"step\": 16, \"skipped\": 5, "), metrics);
  CHECK(files_of(folder / "whole").count("not_finite/step_00000009.safetensors") == 1);
  const training::TrainState end = training::load_checkpoint(whole.checkpoint);
  CHECK(end.position == 24);
  CHECK(end.ema_updates == 19);
  training::check_finite(end);
  check_every_kill(setup, folder / "whole", folder / "cut");
}

TEST_CASE("R14: skip stops the run after as many steps in succession as it is allowed") {
  const TemporaryFolder folder;
  const auto from = [](int64_t first, int64_t last) {
    return [=](int64_t batch) { return batch >= first && batch <= last ? Fault::nan_loss : Fault::none; };
  };
  LoopRun setup = run_in(folder / "a", OnNotFinite::skip, from(4, 6));
  setup.train.most_not_finite = 3;
  CHECK(train(setup).steps == 24);
  setup = run_in(folder / "b", OnNotFinite::skip, from(4, 7));
  setup.train.most_not_finite = 3;
  const std::string message = message_of<training::NotFiniteError>([&] { train(setup); });
  CHECK_MESSAGE(contains(message, "most_not_finite = 3 steps in succession were left out before it"), message);
  // The count is part of the state: a resumed run stops at the same step.
  CHECK(message_of<training::NotFiniteError>([&] { train(setup); }) == message);
  CHECK(training::latest_valid(folder / "b/checkpoints").state->step == 5);
}

TEST_CASE("R14: roll back restores the last checkpoint, passes over the batch, and resumes with the same bits") {
  const TemporaryFolder folder;
  const LoopRun setup = run_in(folder / "whole", OnNotFinite::roll_back,
                               at({{2, Fault::nan_loss}, {9, Fault::nan_data}, {16, Fault::nan_gradient}}));
  const training::TrainingResult whole = train(setup);
  CHECK(whole.steps == 24);
  const training::TrainState end = training::load_checkpoint(whole.checkpoint);
  CHECK(end.step == 24);
  CHECK(end.ema_updates == 24);
  const std::string metrics = metrics_of(folder / "whole");
  // Of the first batches 0 to 2 no step is left; of the second fault the steps from 5 on.
  CHECK_MESSAGE(metrics.starts_with("{\"step\": 0, \"rolled_back\": 1, \"from_step\": 2, \"reason\": "), metrics);
  CHECK_MESSAGE(contains(metrics, "{\"step\": 5, \"rolled_back\": 2, \"from_step\": 6, "), metrics);
  CHECK_MESSAGE(contains(metrics, "{\"step\": 10, \"rolled_back\": 3, \"from_step\": 11, "), metrics);
  CHECK(end.position == 24 + 3 + 2 + 2);  // the steps that were lost took batches as well
  check_every_kill(setup, folder / "whole", folder / "cut");
}

TEST_CASE("R14: roll back recovers from a weight that is not finite, and is limited") {
  const TemporaryFolder folder;
  Notes notes;
  LoopRun setup = run_in(folder / "weight", OnNotFinite::roll_back, at({{7, Fault::nan_weight}}));
  LoopRun heard{.folder = setup.folder, .train = setup.train, .fault = setup.fault, .reporter = &notes};
  const training::TrainingResult result = train(heard);
  CHECK(result.steps == 24);
  CHECK_MESSAGE(contains(notes.text, "going back from step 7 to "), notes.text);
  training::check_finite(training::load_checkpoint(result.checkpoint));

  setup = run_in(folder / "often", OnNotFinite::roll_back,
                 [](int64_t batch) { return batch % 4 == 3 ? Fault::nan_loss : Fault::none; });
  setup.train.most_not_finite = 2;
  const std::string message = message_of<training::NotFiniteError>([&] { train(setup); });
  CHECK_MESSAGE(contains(message, "most_not_finite = 2 times an earlier checkpoint was restored before it"), message);
  CHECK(message_of<training::NotFiniteError>([&] { train(setup); }) == message);
}

TEST_CASE("R14: without a fault the policies write the same checkpoints, except for one of the beginning") {
  const TemporaryFolder folder;
  LoopRun setup = run_in(folder / "stop", OnNotFinite::stop, at({}));
  train(setup);
  for (const OnNotFinite policy : {OnNotFinite::skip, OnNotFinite::roll_back}) {
    setup.folder = folder / (policy == OnNotFinite::skip ? "skip" : "roll_back");
    setup.train.on_not_finite = policy;
    train(setup);
    CHECK(files_of(setup.folder) == files_of(folder / "stop"));  // two are kept, and that one is not among them
  }
}
