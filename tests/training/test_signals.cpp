// Signals to a training program: it saves and ends, whatever it is doing.
#include <doctest/doctest.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <filesystem>

#include <ditharos/autograd/inspect/profiler.h>
#include <ditharos/autograd/node.h>
#include <ditharos/autograd/ops.h>
#include <ditharos/tensor/factory.h>
#include <ditharos/tensor/io/file.h>
#include <ditharos/tensor/stop_check.h>
#include "tests/support/data_files.h"
#include "tests/support/small_runs.h"
#include "tests/support/temporary_folder.h"

using namespace ditharos;
using namespace ditharos::tests;
namespace fs = std::filesystem;

namespace {

double now() { return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count(); }

bool has_checkpoint(const std::string& run) {
  return fs::exists(run + "/checkpoints") && fs::directory_iterator(run + "/checkpoints") != fs::directory_iterator();
}

}  // namespace

TEST_CASE("regression 4: every signal that ends a process saves the run first") {
  const TemporaryFolder folder;
  const std::string images = folder / "images", run = folder / "run";
  write_images(images, {"cat", "dog"}, 4);
  for (const int number : {SIGHUP, SIGINT, SIGTERM, SIGUSR1, SIGUSR2, SIGXCPU}) {
    CAPTURE(number);
    fs::remove_all(run);
    Program program("train_dit", small_dit(images, run, {"--steps", "1000000", "--checkpoint-every", "0"}));
    REQUIRE(program.wait_for("step 1/"));
    program.signal(number);
    // Some systems send these again and again; a second one of those must not cut the save short.
    if (number != SIGINT && number != SIGTERM) program.signal(number);
    const Outcome outcome = program.wait();
    CHECK_EQ(outcome.status, 128 + number);
    CHECK(has_checkpoint(run));
    CHECK_MESSAGE(contains(outcome.output, "interrupted after step"), outcome.output);
  }
}

TEST_CASE("regression 4: a run with a closed output continues to its end") {
  const TemporaryFolder folder;
  const std::string images = folder / "images", run = folder / "run";
  write_images(images, {"cat", "dog"}, 4);
  Program program("train_dit", small_dit(images, run, {"--steps", "300", "--sample-every", "100"}));
  REQUIRE(program.wait_for("step 1/"));
  program.close_output();
  CHECK_EQ(program.wait().status, 0);
  CHECK(fs::exists(run + "/checkpoints/step_00000300.ckpt"));
  CHECK(fs::exists(run + "/samples.png"));
  CHECK(contains(read_file(run + "/metrics.jsonl", 1 << 20), "{\"step\": 300,"));
}

TEST_CASE("regression 4: a signal while samples are drawn ends the run at once, and they are drawn after a resume") {
  const TemporaryFolder folder;
  const std::string images = folder / "images", run = folder / "run";
  write_images(images, {"cat", "dog"}, 4);
  // Midway and at the end; drawing would take half a minute.
  for (const char* steps : {"4", "1000"}) {
    fs::remove_all(run);
    const Arguments slow = small_dit(images, run,
                                     {"--steps", steps, "--sample-every", "4", "--resume", "auto", "--hidden", "192",
                                      "--depth", "8", "--guidance", "2"});
    Program program("train_dit", with(slow, {"--sampling-steps", "1000"}));
    for (int i = 0; i < 20000 && !has_checkpoint(run); ++i) ::usleep(1000);
    ::usleep(200000);
    REQUIRE(program.is_running());
    const double asked = now();
    program.signal(SIGTERM);
    CHECK_EQ(program.wait().status, 128 + SIGTERM);
    CHECK_LT(now() - asked, 3);  // a second, and what else the machine does
    CHECK(!fs::exists(run + "/samples.png"));
    CHECK(fs::exists(run + "/checkpoints/step_00000004.ckpt"));
    if (std::string(steps) != "4") continue;
    CHECK_EQ(run_program("train_dit", with(slow, {"--sampling-steps", "1"})).status, 0);
    CHECK(fs::exists(run + "/samples.png"));
  }
}

TEST_CASE("regression 4: a stop check ends work on its thread after the present operation, beside other observers") {
  int operations = 0;
  const auto work = [] {
    Tensor x = ones({4});
    for (int i = 0; i < 100; ++i) x = x * 2.0;
    return x;
  };
  {
    const StopCheck check([&] { return ++operations == 10; });
    CHECK_THROWS_AS(work(), Stopped);
  }
  CHECK_EQ(operations, 10);
  work();
  CHECK_EQ(operations, 10);

  Profiler profiler;
  {
    const StopCheck check([] { return false; });
    work();
  }
  work();
  profiler.stop();
  CHECK_EQ(profiler.events().size(), 200);
}
