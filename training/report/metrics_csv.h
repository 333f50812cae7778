#pragma once
// The figures of metrics.jsonl for spreadsheets and data frames.
#include <string>

#include <ditharos/training/report/metrics_table.h>

namespace ditharos::training {

/// Writes a table as CSV (RFC 4180, lines end with a line feed), whole or not at all. The header is "step" and the
/// names of the columns. Lines of one step are one row; where a line repeats a figure of its step, a new row begins. A
/// figure is written as in the log, null as "nan"; a cell without a figure is empty. IoError when the file cannot be
/// written, or would have more than 200 million cells.
void write_metrics_csv(const std::string& path, const MetricsTable& table);

}  // namespace ditharos::training
