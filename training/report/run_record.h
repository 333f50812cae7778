#pragma once
// Internal to training/.
// What a run's folder holds for people to look at, beside metrics.jsonl: metrics.csv, timing.jsonl, samples/, the
// events for TensorBoard, env.txt and report.html. None of it is needed to resume the run.
#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <set>
#include <string>

#include <ditharos/training/report/event_file.h>
#include <ditharos/training/report/metrics_table.h>
#include <ditharos/training/run/json.h>
#include <ditharos/training/run/reporter.h>
#include <ditharos/training/run/run_folder.h>
#include <ditharos/training/run/step_log.h>

namespace ditharos::training {

/// Settings of a RunRecord.
struct RecordSettings {
  int64_t began = 0;             ///< steps of the run before this session
  int64_t samples_per_step = 1;  ///< for the speed
  bool tensorboard = true;       ///< write events for TensorBoard
};

/// Keeps those files. When one cannot be written, training goes on, and the reporter gets a note.
///
/// metrics.csv and report.html are made anew from metrics.jsonl: at the end, and at every sampling, unless that would
/// take more than a twentieth of the time. So they never disagree with it; during a run they may lack its newest lines.
class RunRecord {
 public:
  /// Removes samples and times of steps after `began`, and writes metrics.csv. metrics.jsonl must have no line of a
  /// later step.
  RunRecord(const RunFolder& folder, const RecordSettings& settings, Reporter& reporter);
  /// Finishes a run that an exception ended.
  ~RunRecord();
  RunRecord(const RunRecord&) = delete;
  RunRecord& operator=(const RunRecord&) = delete;

  /// Before and after each step: its time counts. With the first one a session begins: it is added to env.txt, and all
  /// events so far are written into a new event file, which replaces the older ones.
  void step_begins();
  void step_ends();
  /// After a line was added to metrics.jsonl.
  void logged(int64_t step, const JsonObject& figures);
  /// After samples of a step were written to a file.
  void sampled(int64_t step, const std::string& file);
  /// After the run went back to the checkpoint of an earlier step, and metrics.jsonl with it.
  void rewind(int64_t step);
  /// After the last step. Returns the path of report.html; "" when it could not be written.
  std::string finish();

 private:
  using Clock = std::chrono::steady_clock;

  void attempt(const std::string& what, const std::function<void()>& write);
  void keep_until(int64_t step);
  void begin_session();
  void begin_events();
  void add_scalars(const MetricsTable& table, const MetricsRow& row, double time);
  void add_image(int64_t step, double time, const std::string& file);
  void write_csv();
  bool refresh();

  const RunFolder& folder_;
  RecordSettings settings_;
  Reporter& reporter_;
  std::set<std::string> noted_;  // what could not be written, said once
  std::optional<StepLog> timing_;
  std::optional<EventFile> events_;
  Clock::time_point step_began_, refreshed_;
  double step_seconds_ = 0, refresh_seconds_ = 0;
  int64_t steps_ = 0;  // since the last line of timing.jsonl
  int64_t last_image_step_ = -1;
  bool in_session_ = false, finished_ = false;
};

}  // namespace ditharos::training
