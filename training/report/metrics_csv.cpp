#include <ditharos/training/report/metrics_csv.h>

#include <ditharos/tensor/error.h>
#include <ditharos/tensor/io/file.h>

namespace ditharos::training {
namespace {

constexpr size_t most_cells = 200'000'000, piece = size_t(1) << 20;  // piece: bytes that are written together

std::string csv_text(const std::string& text) {
  if (text.find_first_of(",\"\r\n") == std::string::npos) return text;
  std::string out = "\"";
  for (const char c : text) out += c == '"' ? std::string("\"\"") : std::string(1, c);
  return out + '"';
}

}  // namespace

void write_metrics_csv(const std::string& path, const MetricsTable& table) {
  check<IoError>((table.columns.size() + 1) * (table.rows.size() + 1) <= most_cells, "cannot write ", path, ": ",
                 table.rows.size(), " lines with ", table.columns.size(), " figures are too many cells");
  AtomicFile file(path);
  std::string text = "step";
  for (const std::string& column : table.columns) text += "," + csv_text(column);
  text += '\n';

  std::vector<std::string> cells(table.columns.size());
  int64_t step = -1;
  const auto end_row = [&] {
    if (step < 0) return;
    text += std::to_string(step);
    for (std::string& cell : cells) {
      text += "," + cell;
      cell.clear();
    }
    text += '\n';
    if (text.size() < piece) return;
    file.write(text.data(), text.size());
    text.clear();
  };
  for (const MetricsRow& row : table.rows) {
    bool repeats = row.step != step;
    for (const Figure& figure : row.figures) repeats = repeats || !cells[figure.column].empty();
    if (repeats) end_row();
    step = row.step;
    for (const Figure& figure : row.figures) {
      const std::string number = figure.text();
      cells[figure.column] = number == "null" ? "nan" : number;
    }
  }
  end_row();
  file.write(text.data(), text.size());
  file.commit();
}

}  // namespace ditharos::training
