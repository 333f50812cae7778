#pragma once
// Internal to training/.
// Profiles a few steps of a training loop.
#include <cstdint>
#include <optional>
#include <string>

#include <ditharos/autograd/inspect/profiler.h>
#include <ditharos/training/run/reporter.h>

namespace ditharos::training {

/// Watches up to 5 steps after the first 3, which fill caches and the allocator. A shorter run gives up warm-up steps
/// first: its last step is always watched.
class StepProfile {
 public:
  /// `path`: the trace's file; empty: no profile is made. `steps`: those that the loop is to make.
  StepProfile(std::string path, int64_t steps);
  /// Call at the top of every step.
  void next_step();
  /// Call after the loop: reports the tables and writes the trace, or reports that no step was watched. Returns the
  /// trace's file, or "" without one. IoError when it cannot be written.
  std::string finish(Reporter& reporter);

 private:
  std::string path_;
  int64_t warmup_, steps_ = 0;  // steps_: begun
  std::optional<Profiler> profiler_;
};

}  // namespace ditharos::training
