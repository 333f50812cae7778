#pragma once
// What a training run tells whoever started it: the library itself prints nothing.
#include <cstdint>
#include <string>

#include <ditharos/training/run/json.h>
#include <ditharos/training/trainer.h>

namespace ditharos::training {

/// Where the time of some steps went.
struct ProfileReport {
  int64_t steps_made = 0;       ///< by the loop
  int64_t steps_unwatched = 0;  ///< at the beginning, while caches fill
  int64_t steps_watched = 0;    ///< 0: the loop ended before, and there are no tables
  std::string operations, modules;  ///< tables for people, means over the watched steps
};

/// Derive from it and override what is to be shown or logged; the functions of this class do nothing. All are called on
/// the thread that trains.
class Reporter {
 public:
  Reporter() = default;
  virtual ~Reporter() = default;
  Reporter(const Reporter&) = delete;
  Reporter& operator=(const Reporter&) = delete;

  /// A sentence for people: what the run goes on from, which files were passed over.
  virtual void note(const std::string& sentence);
  /// Before the first step: steps that are made, and steps there will be in all.
  virtual void begin(int64_t done, int64_t total);
  /// After each step: steps made, this one included.
  virtual void step(int64_t done, const StepMetrics& metrics);
  /// What was measured on the samples of a step. It is a line of metrics.jsonl too.
  virtual void measured(int64_t done, const JsonObject& figures);
  /// After the last step and its checkpoint; not called when no step was made.
  virtual void end();
  /// After the loop, when a profile was asked for.
  virtual void profiled(const ProfileReport& report);
};

/// The reporter that says nothing.
[[nodiscard]] Reporter& silent();

}  // namespace ditharos::training
