#pragma once
// A log with one JSON object per line, each with its step: metrics.jsonl, timing.jsonl.
#include <cstdint>
#include <string>

#include <ditharos/training/run/json.h>

namespace ditharos::training {

/// A line of a log with its end: `{"step": step, members of object}`
[[nodiscard]] std::string log_line(int64_t step, const JsonObject& object);

/// Appends lines to a file. A line is in the file, whole, when append() returns; a failed append() takes back what it
/// wrote. Every failure is an IoError that names the file.
class StepLog {
 public:
  /// Keeps the lines of steps up to `last_step` and removes later ones, an incomplete last line included: the file of a
  /// resumed run is then equal to that of a run that was never stopped. -1: removes all lines.
  /// IoError if the file holds anything but such lines, or if another process is writing it.
  StepLog(const std::string& path, int64_t last_step);
  ~StepLog();
  StepLog(const StepLog&) = delete;
  StepLog& operator=(const StepLog&) = delete;

  /// Whether there is a line of `step` with the first member of `object`, of any value.
  bool has_line(int64_t step, const JsonObject& object) const;
  /// Whether there is this line of `step`.
  bool has_same_line(int64_t step, const JsonObject& object) const;
  /// Adds the line `{"step": step, members of object}`. Steps must not decrease.
  void append(int64_t step, const JsonObject& object);
  /// Flushes the lines to the disk (fsync); call it before saving the checkpoint of their step.
  void sync();

 private:
  std::string path_;
  int fd_ = -1;
  int64_t last_step_;
  std::string last_lines_;  // those of last_step_
  uint64_t size_ = 0;       // bytes of whole lines
};

}  // namespace ditharos::training
