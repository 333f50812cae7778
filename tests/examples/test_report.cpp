// The program report, and the page that a training program writes.
#include <doctest/doctest.h>

#include <filesystem>

#include <ditharos/tensor/io/file.h>
#include "tests/support/data_files.h"
#include "tests/support/run_program.h"
#include "tests/support/small_runs.h"
#include "tests/support/temporary_folder.h"

using namespace ditharos;
using tests::contains;
using tests::Outcome;
using tests::run_program;
using tests::TemporaryFolder;
namespace fs = std::filesystem;

TEST_CASE("report: one page for several runs; training writes a page too") {
  const TemporaryFolder folder;
  const std::string images = folder / "images", a = folder / "a", b = folder / "b", out = folder / "out.html";
  tests::write_images(images, {"cat", "<b>dog</b>"}, 4);
  const Outcome trained = run_program("train_dit", tests::small_dit(images, a, {"--steps", "3"}));
  CHECK_MESSAGE(trained.status == 0, trained.output);
  CHECK_MESSAGE(contains(trained.output, "report:     " + a + "/report.html\n"), trained.output);
  CHECK(contains(read_file(a + "/report.html", 1 << 24), "\"name\":\"grad_norm\""));
  REQUIRE_EQ(run_program("train_dit", tests::small_dit(images, b, {"--steps", "2", "--no-tensorboard"})).status, 0);
  for (const auto& [run, events] : {std::pair(a, 1), std::pair(b, 0)}) {
    int found = 0;
    for (const auto& entry : fs::directory_iterator(run))
      found += entry.path().filename().string().starts_with("events.out.tfevents.");
    CHECK_EQ(found, events);
  }

  const Outcome both = run_program("report", {a, b, "--out", out});
  CHECK_MESSAGE(both.status == 0, both.output);
  CHECK_MESSAGE(contains(both.output, a + ": 3 lines, 1 sample grids\n"), both.output);
  CHECK_MESSAGE(contains(both.output, "page: " + out + "\n"), both.output);
  const std::string page = read_file(out, 1 << 24);
  CHECK(contains(page, "<title>2 runs</title>"));
  CHECK(contains(page, "\"name\":\"" + b + "\""));
}

TEST_CASE("report: bad input is refused with status 2 and one sentence, and the old page stays") {
  const TemporaryFolder folder;
  fs::create_directories(folder / "run");
  tests::write_bytes(folder / "run/metrics.jsonl", "{\"step\": 1, \"loss\": 1}\nx\n");
  tests::write_bytes(folder / "out.html", "old");
  const std::string out = folder / "out.html";
  const auto refused = [&](const tests::Arguments& arguments, int status, const std::string& sentence) {
    const Outcome outcome = run_program("report", arguments);
    CHECK_MESSAGE(outcome.status == status, outcome.output);
    CHECK_MESSAGE(contains(outcome.output, sentence), outcome.output);
    CHECK_EQ(tests::occurrences(outcome.output, "\n"), 1u);
    CHECK_EQ(read_file(out, 100), "old");
  };
  refused({"--out", out}, 2, "name the folders of the runs");
  refused({folder / "run", "--out", folder / "run/metrics.jsonl"}, 2, "its name must end in .html");
  refused({folder / "run", "--out", out}, 1, "metrics.jsonl:2: not a line of a run's log");
  refused({folder / "none", "--out", out}, 2, "RUN \"" + folder / "none" + "\": there is no such file or folder");
  refused({folder.path(), "--out", out}, 1, "is no folder of a run");
  refused({folder / "run", "--out", folder / "missing/out.html"}, 1, "missing");
}
