// A stored checkpoint of every released format version loads for ever, value by value, and its run is resumed.
#include <doctest/doctest.h>

#include <algorithm>
#include <filesystem>
#include <functional>

#include <ditharos/tensor/io/file.h>
#include <ditharos/training/checkpoint/checkpoint_folder.h>
#include "tests/support/checkpoint_files.h"
#include "tests/support/checkpoint_states.h"
#include "tests/support/paths.h"
#include "tests/support/run_program.h"

using namespace ditharos;
using namespace ditharos::tests;
namespace fs = std::filesystem;

namespace {

/// A released format. tests/golden/checkpoint_vN.ckpt is save_checkpoint() of `state`, written when the format was new;
/// tests/golden/make_checkpoint_run.sh has made checkpoint_run_vN.ckpt, of a small train_dit.
struct Release {
  uint32_t format;
  std::function<training::TrainState()> state;

  std::string file(const std::string& name, const std::string& ending = ".ckpt") const {
    return golden_folder() + "/" + name + "_v" + std::to_string(format) + ending;
  }
};

/// A new format is a line here and three files. Lines are never removed.
const std::vector<Release>& releases() {
  static const std::vector<Release> all{{1, fixture_state}, {2, fixture_state_2}};
  return all;
}

}  // namespace

TEST_CASE("R15: the stored checkpoint of every released format loads with every value") {
  for (const Release& release : releases()) {
    CAPTURE(release.format);
    const std::string path = release.file("checkpoint");
    CHECK(training::read_contents(path).format == release.format);
    CHECK(first_difference(training::load_checkpoint(path), release.state()) == "");
    training::verify_checkpoint(path);
  }
}

TEST_CASE("R15: the present format is a released one, and writes the bytes of its stored checkpoint") {
  REQUIRE(releases().back().format == training::checkpoint_format);
  for (size_t i = 0; i < releases().size(); ++i) CHECK(releases()[i].format == i + 1);
  const TemporaryFolder folder;
  training::save_checkpoint(folder / "a.ckpt", releases().back().state());
  CHECK(read_file(folder / "a.ckpt", 1 << 20) == read_file(releases().back().file("checkpoint"), 1 << 20));
}

TEST_CASE("R15: a later format is refused with both numbers") {
  const SavedFixture saved;
  std::string bytes = saved.bytes;
  put(bytes, format_at, training::checkpoint_format + 1);
  write_bytes(saved.path, bytes);
  CHECK(refusal(saved.path) == "cannot read " + saved.path + ": it was written by format " +
                                   std::to_string(training::checkpoint_format + 1) + ", this program reads up to " +
                                   std::to_string(training::checkpoint_format));
}

TEST_CASE("R15: a run of every released format is resumed, and sampled from") {
  for (const Release& release : releases()) {
    CAPTURE(release.format);
    const TemporaryFolder folder;
    const std::string run = folder / "run", stored = release.file("checkpoint_run");
    const training::TrainState then = training::load_checkpoint(stored);
    fs::create_directories(run + "/checkpoints");
    fs::copy_file(stored, run + "/checkpoints/step_00000004.ckpt");
    const Outcome resumed = run_program("train_dit", {"--config", release.file("checkpoint_run", ".toml"), "--out", run,
                                                      "--steps", "6", "--threads", "1", "--resume", "auto"});
    CHECK_MESSAGE(resumed.status == 0, resumed.output);
    CHECK_MESSAGE(contains(resumed.output, "going on from " + run), resumed.output);
    const training::LatestCheckpoint latest = training::latest_valid(run + "/checkpoints");
    REQUIRE(latest.state);
    CHECK(latest.state->step == 6);
    CHECK(latest.state->model.size() == then.model.size());
    CHECK(latest.state->position == then.position + 2 * (then.position / then.step));
    const Outcome sampled = run_program("sample_dit", {"--checkpoint", stored, "--out", folder / "a.png", "--per-class",
                                                       "1", "--sampling-steps", "1", "--threads", "1"});
    CHECK_MESSAGE(sampled.status == 0, sampled.output);
    CHECK(fs::exists(folder / "a.png"));
  }
}
