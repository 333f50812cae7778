#pragma once
// What a run's folder tells of the run: configuration, figures, samples, sessions.
#include <string>
#include <vector>

#include <ditharos/training/report/metrics_table.h>
#include <ditharos/training/report/sample_history.h>
#include <ditharos/training/report/session_log.h>

namespace ditharos::training {

/// Names of files in a run's folder.
inline constexpr const char* metrics_file = "metrics.jsonl";
inline constexpr const char* metrics_csv_file = "metrics.csv";
inline constexpr const char* timing_file = "timing.jsonl";
inline constexpr const char* report_file = "report.html";

/// A line of config.toml: [section] key = value.
struct ConfigurationLine {
  std::string section, key, value;
};

struct RunData {
  std::string name;  ///< the folder, as it was named
  std::vector<ConfigurationLine> configuration;
  MetricsTable metrics, timing;
  std::vector<KeptSample> samples;  ///< those that are PNG files by their names
  std::vector<Session> sessions;
};

/// Reads a run's folder. Files that a run may lack (all but config.toml or metrics.jsonl) may be missing. IoError when
/// it is no folder, has neither of these two, or one of the files is damaged or too long.
[[nodiscard]] RunData read_run(const std::string& folder);

}  // namespace ditharos::training
