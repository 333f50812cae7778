#include "tests/reliability/random_stops.h"

#include <doctest/doctest.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>

#include <ditharos/tensor/random.h>
#include <ditharos/training/checkpoint/checkpoint_folder.h>
#include "tests/reliability/fault_runs.h"
#include "tests/support/temporary_folder.h"

namespace ditharos::tests {
namespace {

namespace fs = std::filesystem;

bool has_temporary(const std::string& folder) {
  std::error_code error;
  fs::recursive_directory_iterator it(folder, error);
  return !error && std::any_of(begin(it), end(it), [](const auto& entry) {
    return entry.path().filename().string().starts_with(".ditharos-tmp-");
  });
}

}  // namespace

StopTally stop_at_random(const SmallProgram& program, int stops, const std::vector<int>& signals, const char* steps) {
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
  StopTally tally;
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
  MESSAGE(std::string(program.name) << ": " << tally.stops << " stops in " << tally.runs << " runs, "
                                    << tally.during_a_save << " while a file was being written, "
                                    << tally.without_a_checkpoint << " before the first checkpoint");
  return tally;
}

}  // namespace ditharos::tests
