// Before a run: the free space of the disk, --dry-run, --summary and --overfit-one-batch.
#include <doctest/doctest.h>

#include <filesystem>

#include <ditharos/training/run/disk_space.h>
#include "tests/support/data_files.h"
#include "tests/support/message_of.h"
#include "tests/support/small_runs.h"
#include "tests/support/temporary_folder.h"
#include "tests/training/loop_run.h"

using namespace ditharos;
using namespace ditharos::tests;
namespace fs = std::filesystem;

TEST_CASE("disk space: both figures are in the sentence, and an unknown size passes") {
  CHECK_EQ(training::bytes_text(999), "999 bytes");
  CHECK_EQ(training::bytes_text(1500), "1.5 kB");
  CHECK_EQ(training::bytes_text(2.5e12), "2.5 TB");
  CHECK_NOTHROW(training::check_space("runs/a", 100, 100, "samples"));
  CHECK_NOTHROW(training::check_space("runs/a", 1e300, std::nullopt, "samples"));
  const auto refuse = [] { training::check_space("runs/a", 3e9, uint64_t(2e9), "3 checkpoints of 1 GB"); };
  CHECK_EQ(message_of<ConfigError>(refuse),
           "the disk of \"runs/a\" has 2 GB free, and the run needs 3 GB for 3 checkpoints of 1 GB: free some, choose "
           "another folder, or keep fewer checkpoints");
  const TemporaryFolder folder;
  CHECK(training::free_space(folder / "not/there/yet").value() > 0);
}

TEST_CASE("disk space: a run that does not fit is refused before its first step, with status 2") {
  const TemporaryFolder folder;
  const std::string images = folder / "images", run = folder / "run";
  write_images(images, {"cat", "dog"}, 4);
  for (const SmallProgram& p : small_programs(images, run)) {
    CAPTURE(std::string(p.name));
    const Outcome outcome = run_program(p.name, with(p.arguments, {"--steps", "1000000000", "--checkpoint-every", "1",
                                                                   "--keep-checkpoints", "1000000000"}));
    CHECK_EQ(outcome.status, 2);
    CHECK_MESSAGE(contains(outcome.output, " free, and the run needs "), outcome.output);
    CHECK_MESSAGE(contains(outcome.output, "1e+09 checkpoints of "), outcome.output);
    CHECK(!fs::exists(run + "/config.toml"));
    fs::remove_all(run);
  }
}

TEST_CASE("--dry-run and --summary compute what a run would be and leave no file") {
  const TemporaryFolder folder;
  const std::string images = folder / "images", run = folder / "run";
  write_images(images, {"cat", "dog"}, 10);  // of which one a class is held out
  for (const SmallProgram& p : small_programs(images, run)) {
    CAPTURE(std::string(p.name));
    const Outcome dry = run_program(
        p.name, with(p.arguments, {"--steps", "7", "--dry-run", "--accumulate", "2", "--validate-every", "3"}));
    CHECK_EQ(dry.status, 0);
    CHECK_MESSAGE(contains(dry.output, "a step of "), dry.output);
    CHECK_MESSAGE(contains(dry.output, " of memory at most"), dry.output);
    CHECK_MESSAGE(contains(dry.output, "validations"), dry.output);
    CHECK_MESSAGE(contains(dry.output, "nothing was trained or written"), dry.output);
    const Outcome summary = run_program(p.name, with(p.arguments, {"--summary"}));
    CHECK_EQ(summary.status, 0);
    CHECK_MESSAGE(contains(summary.output, "(model)"), summary.output);
    CHECK_MESSAGE(contains(summary.output, "MACs"), summary.output);
    CHECK_MESSAGE(contains(summary.output, "the optimiser's state take "), summary.output);
    CHECK(!fs::exists(run));
  }
  // A folder with a run is looked at, and stays as it is.
  const Arguments arguments = small_dit(images, run, {"--steps", "2"});
  REQUIRE_EQ(run_program("train_dit", arguments).status, 0);
  const auto before = files_of(run);
  const Outcome occupied = run_program("train_dit", with(arguments, {"--dry-run"}));
  CHECK_EQ(occupied.status, 2);
  CHECK_MESSAGE(contains(occupied.output, "already holds checkpoints"), occupied.output);
  const Outcome resumed = run_program("train_dit", with(arguments, {"--dry-run", "--resume", "auto", "--steps", "9"}));
  CHECK_EQ(resumed.status, 0);
  CHECK_MESSAGE(contains(resumed.output, "the 7 steps take about"), resumed.output);
  CHECK(files_of(run) == before);
}

TEST_CASE("--overfit-one-batch repeats the first batch, says so, and its loss falls; it resumes with the same bits") {
  const TemporaryFolder folder;
  LoopRun setup{.folder = folder / "whole"};
  setup.train.overfit_one_batch = true;
  setup.train.steps = 40;
  setup.train.accumulate = 2;
  setup.train.learning_rate = .05;
  std::vector<double> losses;
  struct Losses : training::Reporter {
    std::vector<double>& all;
    std::string text;
    explicit Losses(std::vector<double>& a) : all(a) {}
    void note(const std::string& sentence) override { text += sentence; }
    void step(int64_t, const training::StepMetrics& m) override { all.push_back(m.loss); }
  } reporter(losses);
  setup.reporter = &reporter;
  const training::TrainingResult whole = train(setup);
  CHECK_EQ(training::load_checkpoint(whole.checkpoint).position, 2);
  CHECK(contains(reporter.text, "every step has the data of the first one"));
  double first = 0, last = 0;
  for (size_t i = 0; i < 10; ++i) first += losses[i], last += losses[losses.size() - 1 - i];
  CHECK_LT(last, first);
  LoopRun half = setup, rest = setup;
  half.folder = rest.folder = folder / "cut";
  half.train.steps = 17;
  half.train.schedule = rest.train.schedule = training::TrainSettings().schedule;
  half.kill_at = 1;  // in the first step: nothing is left
  CHECK_THROWS_AS(train(half), Killed);
  train(rest);
  CHECK(files_of(folder / "cut") == files_of(folder / "whole"));
}
