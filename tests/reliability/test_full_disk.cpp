// Real limits: a full file system, and a full device behind the standard output.
#include <doctest/doctest.h>
#include <sys/wait.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include <ditharos/tensor/io/file.h>
#include <ditharos/training/checkpoint/checkpoint_folder.h>
#include "tests/support/data_files.h"
#include "tests/support/small_runs.h"
#include "tests/support/temporary_folder.h"

using namespace ditharos;
using namespace ditharos::tests;
namespace fs = std::filesystem;

namespace {

std::string program(const std::string& name) {
  return (fs::read_symlink("/proc/self/exe").parent_path().parent_path() / "examples" / name).string();
}

std::string command_line(const std::string& name, const Arguments& arguments) {
  std::string line = program(name);
  for (const std::string& argument : arguments) line += " '" + argument + "'";
  return line;
}

/// The exit status of a line for the shell.
int shell(const std::string& line) {
  const int status = std::system(line.c_str());
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

}  // namespace

TEST_CASE("R4: a run on a file system that gets full keeps its last checkpoint and says what could not be written") {
  const TemporaryFolder folder;
  const std::string images = folder / "images", disk = folder / "disk", log = folder / "log";
  fs::create_directory(disk);
  if (shell("unshare -rm mount -t tmpfs -o size=4k none " + disk + " 2>/dev/null") != 0) {
    MESSAGE("skipped: this user cannot mount a file system");
    return;
  }
  write_images(images, {"cat", "dog"}, 4);
  const std::string train =
      command_line("train_dit", small_dit(images, disk + "/run", {"--steps", "100000", "--checkpoint-every", "1"}));
  // The disk is too small; then large enough, but it becomes full while the run is under way.
  write_bytes(folder / "script",
              "mount -t tmpfs -o size=300k none " + disk + " || exit 90\n" + train + "\n[ $? = 2 ] || exit 91\n" +
                  "[ -z \"$(ls -A " + disk + "/run/checkpoints 2>/dev/null)\" ] || exit 92\n" +
                  "mount -o remount,size=20m " + disk + " || exit 93\n" + train + " & run=$!\n" + "until ls " + disk +
                  "/run/checkpoints/*.ckpt >/dev/null 2>&1; do\n" + "  kill -0 $run || exit 94\n  sleep .01\ndone\n" +
                  "dd if=/dev/zero of=" + disk + "/filler bs=4k 2>/dev/null\nwait $run\n[ $? = 1 ] || exit 95\n" +
                  program("checkpoint") + " verify " + disk + "/run || exit 96\n" + "echo temporaries: $(ls -A " +
                  disk + "/run/checkpoints | grep -vc '^step_[0-9]*.ckpt$')\n");
  const int status = shell("unshare -rm sh " + (folder / "script") + " >" + log + " 2>&1");
  const std::string said = read_file(log, 1 << 20);
  CHECK_MESSAGE(status == 0, said);
  CHECK_MESSAGE(contains(said, "and the run needs"), said);
  CHECK_MESSAGE(contains(said, "train_dit: cannot write " + disk + "/run/checkpoints/step_0"), said);
  CHECK_MESSAGE(contains(said, "No space left on device"), said);
  CHECK_MESSAGE(contains(said, "sound: " + disk + "/run/checkpoints/step_0"), said);
  CHECK_MESSAGE(said.ends_with("\ntemporaries: 0\n"), said);
}

TEST_CASE("R4: a standard output that takes nothing is a status other than 0, after the run is saved") {
  const TemporaryFolder folder;
  const std::string images = folder / "images", run = folder / "run";
  write_images(images, {"cat", "dog"}, 4);
  const std::string train = command_line("train_dit", small_dit(images, run, {"--steps", "3"}));
  CHECK(shell(train + " >/dev/full 2>" + (folder / "log")) == 1);
  CHECK(contains(read_file(folder / "log", 1 << 20), "train_dit: cannot write to the standard output"));
  const training::LatestCheckpoint latest = training::latest_valid(run + "/checkpoints");
  REQUIRE(latest.state);
  CHECK(latest.state->step == 3);
}

TEST_CASE("R4: a limit on the size of files keeps the last checkpoint") {
  const TemporaryFolder folder;
  const std::string images = folder / "images", run = folder / "run";
  write_images(images, {"cat", "dog"}, 4);
  const auto train = [&](const char* steps) {
    return command_line("train_dit", small_dit(images, run, {"--steps", steps, "--resume", "auto"}));
  };
  REQUIRE(shell(train("2") + " >/dev/null") == 0);
  CHECK(shell("ulimit -f 100; " + train("4") + " >" + (folder / "log") + " 2>&1") == 1);
  CHECK(contains(read_file(folder / "log", 1 << 20), "File too large"));
  const training::LatestCheckpoint latest = training::latest_valid(run + "/checkpoints");
  REQUIRE(latest.state);
  CHECK(latest.state->step == 2);
  CHECK(latest.rejected.empty());
}
