#pragma once
// The figures of a run's logs, metrics.jsonl and timing.jsonl, as a table.
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace ditharos::training {

/// One figure of a line.
struct Figure {
  double value = 0;     ///< NaN where the log has null: JSON has no numbers that are not finite
  uint32_t column = 0;  ///< of MetricsTable::columns
  bool whole = false;   ///< written as a whole number

  /// As the log has it: "512", "0.25"; NaN is "null".
  [[nodiscard]] std::string text() const;
};

/// A line of a log.
struct MetricsRow {
  int64_t step = 0;
  std::vector<Figure> figures;
};

/// The lines of a log in their order. Members of objects and elements of lists have a column each: {"bins": [1, 2]} has
/// the columns bins/0 and bins/1. Texts and truth values are no figures.
struct MetricsTable {
  std::vector<std::string> columns;  ///< in the order of their first figures
  std::vector<MetricsRow> rows;      ///< their steps do not decrease
};

/// The whole lines of a log; an incomplete last line, which a killed run leaves, is passed over. `path` is for
/// messages. IoError with the line's number for anything but {"step": N, ...}, for a step below the one before, and for
/// figures with more than 1000 different names, 4 levels or 200 bytes in a name.
[[nodiscard]] MetricsTable parse_metrics(std::string_view text, const std::string& path);
/// The same of a file; a missing file is a log without lines. IoError when it is longer than 256 MiB.
[[nodiscard]] MetricsTable read_metrics(const std::string& path);

}  // namespace ditharos::training
