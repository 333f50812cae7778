#pragma once
// Profiles a few steps of a training loop.
#include <cstdint>
#include <optional>
#include <string>

#include <ditharos/autograd/profiler.h>

namespace ditharos::examples {

/// Watches `measured` steps after the first `warmup`, which fill caches and the allocator.
class StepProfile {
 public:
  static constexpr int64_t warmup = 3, measured = 5;

  /// `path`: the trace's file; empty: no profile is made.
  explicit StepProfile(std::string path) : path_(std::move(path)) {}
  /// Call at the top of every step.
  void next_step();
  /// Call after the loop: prints the tables and writes the trace. ConfigError when the loop was too short.
  void report();

 private:
  std::string path_;
  int64_t steps_ = 0;  // begun
  std::optional<Profiler> profiler_;
};

}  // namespace ditharos::examples
