#pragma once
// Internal to training/.
// Profiles a few steps of a training loop.
#include <cstdint>
#include <optional>
#include <string>

#include <ditharos/autograd/inspect/profiler.h>
#include <ditharos/training/run/reporter.h>
#include <ditharos/training/trainer.h>

namespace ditharos::training {

/// Profiles up to 5 steps after the first 3, which fill caches and the allocator. A shorter run has fewer warm-up
/// steps: its last step is always profiled. Of several ranks each is profiled; rank 0 writes one trace with a process
/// for each of them, and reports its own tables and the cost of all ranks' messages.
class StepProfile {
 public:
  /// `path`: the trace's file; empty: no profile. `steps`: the number of steps of the loop. The trainer must outlive
  /// this object.
  StepProfile(std::string path, int64_t steps, const Trainer& trainer);
  /// Collective. Call at the top of every step.
  void next_step();
  /// Collective. Call after the loop: reports the tables and writes the trace, or reports that no step was profiled.
  /// Returns the trace's file, or "" without one. IoError when it cannot be written.
  std::string finish(Reporter& reporter);

 private:
  void stop();
  std::string cost_table() const;

  std::string path_;
  const Trainer& trainer_;
  ExchangeCost cost_;  // before the profile; of the profile when it has stopped
  bool running_ = false;
  int64_t warmup_, steps_ = 0;  // steps_: begun
  std::optional<Profiler> profiler_;
};

}  // namespace ditharos::training
