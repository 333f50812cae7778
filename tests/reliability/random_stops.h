#pragma once
// A training program that is stopped at random instants, again and again, and resumed.
#include <vector>

#include "tests/support/small_runs.h"

namespace ditharos::tests {

struct StopTally {
  int stops = 0, runs = 0, during_a_save = 0, without_a_checkpoint = 0;
};

/// Starts the program, which resumes its run, and sends it one of `signals` after a random time, until it has been
/// stopped `stops` times. A run that reaches its end is compared with a whole one, and the next one begins. The newest
/// checkpoint must load after each stop, and no saved step may be lost.
StopTally stop_at_random(const SmallProgram& program, int stops, const std::vector<int>& signals, const char* steps);

}  // namespace ditharos::tests
