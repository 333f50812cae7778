#pragma once
// Internal to training/.
// Profiles a few steps of a training loop.
#include <cstdint>
#include <optional>
#include <string>

#include <ditharos/autograd/inspect/profiler.h>
#include <ditharos/training/run/reporter.h>

namespace ditharos::training {

/// Profiles up to 5 steps after the first 3, which fill caches and the allocator. A shorter run has fewer warm-up
/// steps: its last step is always profiled.
class StepProfile {
 public:
  /// `path`: the trace's file; empty: no profile. `steps`: the number of steps of the loop.
  StepProfile(std::string path, int64_t steps);
  /// Call at the top of every step.
  void next_step();
  /// Call after the loop: reports the tables and writes the trace, or reports that no step was profiled. Returns the
  /// trace's file, or "" without one. IoError when it cannot be written.
  std::string finish(Reporter& reporter);

 private:
  std::string path_;
  int64_t warmup_, steps_ = 0;  // steps_: begun
  std::optional<Profiler> profiler_;
};

}  // namespace ditharos::training
