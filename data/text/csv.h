#pragma once
// Internal to data/.
// Tables as comma-separated values (RFC 4180).
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace ditharos::data {

struct CsvRow {
  int64_t line = 0;  ///< of the text, from 1, on which the row begins
  std::vector<std::string> fields;
};

/// All rows of a text, the header's first; empty lines are left out. A field in double quotes may hold commas, line
/// breaks, and double quotes written twice. IoError "line N: ..." for quotes that do not end or are followed by text.
[[nodiscard]] std::vector<CsvRow> read_csv(std::string_view text);

}  // namespace ditharos::data
