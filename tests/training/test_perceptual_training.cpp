// train_autoencoder with a perceptual distance: its classifier is trained once.
#include <doctest/doctest.h>

#include "tests/support/data_files.h"
#include "tests/support/small_runs.h"
#include "tests/support/temporary_folder.h"
#include "tests/training/loop_run.h"

using namespace ditharos;
using namespace ditharos::tests;

TEST_CASE("train_autoencoder: the classifier of the perceptual distance is cached, and it changes the loss") {
  const TemporaryFolder folder;
  const Arguments common{"--classifier-clips",
                         "64",
                         "--classifier-epochs",
                         "1",
                         "--cache",
                         folder / "cache",
                         "--steps",
                         "4",
                         "--checkpoint-every",
                         "2",
                         "--shapes",
                         "1x16x16"};
  const auto run = [&](const std::string& name, const Arguments& more) {
    const SmallProgram program = small_programs("", folder / name)[1];
    const Outcome outcome = run_program(program.name, with(with(program.arguments, common), more));
    REQUIRE_MESSAGE(outcome.status == 0, outcome.output);
    return outcome.output;
  };
  const std::string first = run("a", {"--perceptual-weight", "0.1"});
  CHECK_MESSAGE(contains(first, "classifier: saved as "), first);
  CHECK(contains(run("b", {"--perceptual-weight", "0.1"}), "classifier: read from "));
  CHECK(read_file(folder / "a/metrics.jsonl", 1 << 20) == read_file(folder / "b/metrics.jsonl", 1 << 20));
  run("c", {});
  CHECK(read_file(folder / "a/metrics.jsonl", 1 << 20) != read_file(folder / "c/metrics.jsonl", 1 << 20));
  CHECK(contains(run("d", {"--perceptual-weight", "0.1", "--dry-run"}), "without the perceptual distance"));
}
