// Real training programs that are stopped at random instants, again and again: nothing is lost, and the end result has
// the bytes of a run that was never stopped.
#include <doctest/doctest.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <filesystem>

#include <ditharos/tensor/random.h>
#include <ditharos/training/checkpoint/checkpoint_folder.h>
#include "tests/reliability/fault_runs.h"
#include "tests/support/small_runs.h"
#include "tests/support/temporary_folder.h"

using namespace ditharos;
using namespace ditharos::tests;
namespace fs = std::filesystem;

namespace {

struct Tally {
  int stops = 0, runs = 0, during_a_save = 0, without_a_checkpoint = 0;
};

bool has_temporary(const std::string& folder) {
  std::error_code error;
  fs::recursive_directory_iterator it(folder, error);
  return !error && std::any_of(begin(it), end(it), [](const auto& entry) {
           return entry.path().filename().string().starts_with(".ditharos-tmp-");
         });
}

/// Starts the program, which resumes its run, and sends it one of `signals` after a random time, until it has been
/// stopped `stops` times. A run that reaches its end is compared with a whole one, and the next one begins.
Tally stop_at_random(const SmallProgram& program, int stops, const std::vector<int>& signals, const char* steps) {
  const TemporaryFolder folder;
  const std::string run = folder / "run";
  const auto arguments = [&](const std::string& out) {
    Arguments all = with(program.arguments, {"--steps", steps, "--checkpoint-every", "3", "--resume", "auto"});
    *(std::find(all.begin(), all.end(), "--out") + 1) = out;
    return all;
  };
  REQUIRE_EQ(run_program(program.name, arguments(folder / "whole")).status, 0);
  const auto whole = files_in(folder / "whole");
  Generator rng(17);
  Tally tally;
  int64_t last_step = 0;
  const auto finish = [&](const Outcome& outcome) {
    CHECK_MESSAGE(outcome.status == 0, outcome.output);
    CHECK(differing_files(whole, files_in(run)) == "");
    ++tally.runs;
    last_step = 0;
    fs::remove_all(run);
  };
  while (tally.stops < stops) {
    const int number = signals[size_t(rng.uniform() * double(signals.size()))];
    Program living(program.name, arguments(run));
    // Some before the first step, most after it.
    if (rng.uniform() < .9) living.wait_for("step ", 20);
    ::usleep(useconds_t(rng.uniform() * 30000));
    living.signal(number);
    const Outcome outcome = living.wait();
    if (outcome.status == 0) {
      finish(outcome);
      continue;
    }
    ++tally.stops;
    CHECK_MESSAGE(outcome.status == 128 + number, outcome.status << ": " << outcome.output);
    tally.during_a_save += has_temporary(run);
    const training::LatestCheckpoint latest = training::latest_valid(run + "/checkpoints");
    CHECK(latest.rejected.empty());
    const int64_t step = latest.state ? latest.state->step : 0;
    CHECK(step >= last_step);  // nothing that was once saved is lost
    tally.without_a_checkpoint += !latest.state;
    last_step = step;
  }
  finish(run_program(program.name, arguments(run)));
  MESSAGE(program.name << ": " << tally.stops << " stops in " << tally.runs << " runs, " << tally.during_a_save
                       << " while a file was being written, " << tally.without_a_checkpoint
                       << " before the first checkpoint");
  return tally;
}

void stop_programs(int stops, const std::vector<int>& signals, const char* steps, bool all_programs) {
  const TemporaryFolder folder;
  const std::string images = folder / "images";
  write_images(images, {"cat", "dog"}, 4);
  for (const SmallProgram& program : small_programs(images, folder / "run")) {
    CHECK(stop_at_random(program, stops, signals, steps).stops == stops);
    if (!all_programs) return;
  }
}

}  // namespace

TEST_CASE("R1: kill -9 at 20 random instants of training loses nothing") {
  stop_programs(20, {SIGKILL}, "200", false);
}

TEST_CASE("R1: kill -9 at 1,000 random instants of training loses nothing [slow]") {
  stop_programs(1000, {SIGKILL}, "200", false);
}

TEST_CASE("R2: a run with 10 random stops by SIGINT, SIGTERM and SIGKILL has the bytes of a whole one") {
  stop_programs(10, {SIGINT, SIGTERM, SIGKILL}, "400", false);
}

TEST_CASE("R2: runs of each program with 50 random stops each have the bytes of whole ones [slow]") {
  stop_programs(50, {SIGINT, SIGTERM, SIGKILL}, "400", true);
}
