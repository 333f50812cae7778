#pragma once
// A log with one JSON object a line, each with the step that it belongs to: metrics.jsonl, timing.jsonl.
#include <cstdint>
#include <string>

#include <ditharos/training/run/json.h>

namespace ditharos::training {

/// Appends lines to a file. A line is in the file, whole, when append() returns; a failed append() takes back what it
/// wrote. Every failure is an IoError that names the file.
class StepLog {
 public:
  /// Keeps the lines of steps up to `last_step`, and removes what a run wrote after it, a half-written last line
  /// included: so the file of a resumed run comes out equal to that of a run which was never stopped. -1 begins anew.
  /// IoError if the file holds anything but such lines, or if another process is writing it.
  StepLog(const std::string& path, int64_t last_step);
  ~StepLog();
  StepLog(const StepLog&) = delete;
  StepLog& operator=(const StepLog&) = delete;

  /// Whether a line of `step` is there that has the first member of `object`, with any value.
  bool has_line(int64_t step, const JsonObject& object) const;
  /// Adds the line {"step": step, <members of object>}. Steps must not decrease.
  void append(int64_t step, const JsonObject& object);
  /// Makes the lines survive a power cut; call it before saving a checkpoint that counts on them.
  void sync();

 private:
  std::string path_;
  int fd_ = -1;
  int64_t last_step_;
  std::string last_lines_;  // those of last_step_
  uint64_t size_ = 0;  // bytes of whole lines
};

}  // namespace ditharos::training
