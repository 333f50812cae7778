#pragma once
// The interface through which a training run reports its progress: the library itself prints nothing.
#include <cstdint>
#include <string>

#include <ditharos/training/run/json.h>
#include <ditharos/training/trainer.h>

namespace ditharos::training {

/// The profile of some steps.
struct ProfileReport {
  int64_t steps_made = 0;           ///< steps of the loop
  int64_t steps_unwatched = 0;      ///< warm-up steps, which are not profiled
  int64_t steps_watched = 0;        ///< profiled steps; 0: the loop ended before them, and there are no tables
  std::string operations, modules;  ///< tables as text, means over the profiled steps
  std::string communication = {};   ///< a row a rank: what its messages cost in a step; empty: one rank
};

/// A derived class overrides the functions for what it shows or logs; those of this class do nothing. All are called on
/// the thread that trains.
class Reporter {
 public:
  Reporter() = default;
  virtual ~Reporter() = default;
  Reporter(const Reporter&) = delete;
  Reporter& operator=(const Reporter&) = delete;

  /// A sentence for the user: the checkpoint that the run resumes, the files that were skipped.
  virtual void note(const std::string& sentence);
  /// Before the first step: the number of steps that are done, and the number of steps in all.
  virtual void begin(int64_t done, int64_t total);
  /// After each step: the number of steps that are done, this one included.
  virtual void step(int64_t done, const StepMetrics& metrics);
  /// Measurements on the samples of a step. They are a line of metrics.jsonl too.
  virtual void measured(int64_t done, const JsonObject& figures);
  /// After the last step and its checkpoint; not called when there was no step.
  virtual void end();
  /// After the loop, when a profile was asked for.
  virtual void profiled(const ProfileReport& report);
};

/// A reporter that does nothing.
[[nodiscard]] Reporter& silent();

}  // namespace ditharos::training
