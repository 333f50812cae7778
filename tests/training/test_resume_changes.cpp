// Which settings may differ between a run and its continuation, and what the programs say about them.
#include <doctest/doctest.h>

#include "tests/support/data_files.h"
#include "tests/support/small_runs.h"
#include "tests/support/temporary_folder.h"

using namespace ditharos;
using namespace ditharos::tests;

TEST_CASE("resume: a changed schedule is said with both learning rates; data and randomness must stay") {
  const TemporaryFolder folder;
  const std::string images = folder / "images", run = folder / "run";
  write_images(images, {"cat", "dog"}, 10);  // of which one a class is held out
  const Arguments base = small_dit(images, run, {"--steps", "4"});
  REQUIRE_EQ(run_program("train_dit", base).status, 0);
  const auto resumed = [&](const Arguments& more) {
    return run_program("train_dit", with(base, with({"--resume", "auto", "--steps", "8", "--dry-run"}, more)));
  };
  const std::string steps = "steps = 8 instead of 4", goes_on = ": the learning rate goes on from ";
  const std::pair<Arguments, std::string> changes[] = {
      {{}, steps + goes_on},
      {{"--schedule", "cosine"}, steps + ", schedule = \"cosine\" instead of \"linear\"" + goes_on},
      {{"--learning-rate", "0.5"}, steps + ", learning_rate = 0.5 instead of 0.001" + goes_on},
      {{"--warmup", "2", "--final-learning-rate", "0.0001"},
       steps + ", final_learning_rate = 1e-04 instead of 0.0, warmup = 2 instead of 1" + goes_on}};
  for (const auto& [flags, sentence] : changes) {
    const Outcome outcome = resumed(flags);
    CHECK_EQ(outcome.status, 0);
    CHECK_MESSAGE(contains(outcome.output, sentence), outcome.output);
  }
  for (const Arguments& flags : {Arguments{"--on-not-finite", "skip"},
                                 {"--most-not-finite", "9"},
                                 {"--validate-every", "1"},
                                 {"--keep-best", "1", "--validate-every", "1"},
                                 {"--keep-every", "3"}}) {
    const Outcome outcome = resumed(flags);
    CHECK_MESSAGE(outcome.status == 0, outcome.output);
  }
  const std::pair<Arguments, std::string> refused[] = {{{"--batch-size", "2"}, "batch_size = 2 instead of 4"},
                                                       {{"--accumulate", "2"}, "accumulate = 2 instead of 1"},
                                                       {{"--seed", "7"}, "seed = 7 instead of 0"},
                                                       {{"--ema-decay", ".9,.5"}, "ema_decay = [0.9, 0.5] instead of"},
                                                       {{"--optimizer", "muon"}, "optimizer = \"muon\" instead of"},
                                                       {{"--overfit-one-batch"}, "overfit_one_batch = true instead"}};
  for (const auto& [flags, difference] : refused) {
    const Outcome outcome = resumed(flags);
    CHECK_EQ(outcome.status, 2);
    CHECK_MESSAGE(contains(outcome.output, "with other settings: " + difference), outcome.output);
  }
}
