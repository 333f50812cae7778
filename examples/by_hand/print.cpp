#include "examples/by_hand/print.h"

#include <algorithm>

namespace ditharos::by_hand {
namespace {

constexpr size_t line_width = 110, matrix_width = 80;
constexpr int64_t most = 16;  // rows or columns of a matrix that are shown, as far as these fit

using Lines = std::vector<std::string>;

char mark_of(Source source) { return source == Source::article ? '*' : source == Source::misprint ? '!' : ' '; }

/// "We  2x4  the article's", "encoder weight", then the rows.
Lines block(const Matrix& m) {
  Lines lines;
  const auto articles = size_t(std::count(m.sources.begin(), m.sources.end(), Source::article));
  const bool all = articles == m.sources.size();
  std::string name = m.heading.name;
  if (!m.heading.formula.empty()) name += ": " + m.heading.formula;
  lines.push_back(m.heading.symbol + "  " + std::to_string(m.rows) + "x" + std::to_string(m.columns) +
                  (all            ? "  article"
                   : articles > 0 ? "  article where *"
                                  : ""));
  lines.push_back(name);
  const int64_t rows = std::min(m.rows, most);
  int64_t columns = std::min(m.columns, most);
  std::vector<std::vector<std::string>> cells;
  size_t width = 1;
  for (int64_t r = 0; r < rows; ++r) {
    cells.emplace_back();
    for (int64_t c = 0; c < columns; ++c) {
      const size_t i = m.at(r, c);
      cells.back().push_back(number_text(m.values[i]) + mark_of(m.sources[i]));
      width = std::max(width, cells.back().back().size());
    }
  }
  columns = std::min(columns, std::max<int64_t>(int64_t(matrix_width / (width + 1)), 1));
  for (const auto& row : cells) {
    std::string line;
    for (size_t c = 0; c < size_t(columns); ++c) line += std::string(width + 1 - row[c].size(), ' ') + row[c];
    lines.push_back(line +
                    (columns < m.columns ? " ... " + std::to_string(m.columns - columns) + " more columns" : ""));
  }
  if (rows < m.rows) lines.push_back("  ... " + std::to_string(m.rows - rows) + " more rows");
  return lines;
}

size_t width_of(const Lines& lines) {
  size_t width = 0;
  for (const std::string& line : lines) width = std::max(width, line.size());
  return width;
}

/// Blocks side by side, without blanks at the ends of lines.
std::string side_by_side(const std::vector<Lines>& blocks) {
  std::string text;
  size_t height = 0;
  for (const Lines& lines : blocks) height = std::max(height, lines.size());
  for (size_t i = 0; i < height; ++i) {
    std::string line;
    for (const Lines& lines : blocks) {
      const std::string part = i < lines.size() ? lines[i] : "";
      line += "    " + part + std::string(width_of(lines) - part.size(), ' ');
    }
    line.erase(line.find_last_not_of(' ') + 1);
    text += line + "\n";
  }
  return text + "\n";
}

/// A note in lines of at most line_width characters.
std::string wrapped(const std::string& note) {
  std::string text, line = "   ";
  for (size_t at = 0; at < note.size();) {
    const size_t end = std::min(note.find(' ', at), note.size());
    const std::string word = note.substr(at, end - at);
    if (line.size() + 1 + word.size() > line_width) {
      text += line + "\n";
      line = "   ";
    }
    line += " " + word;
    at = end + 1;
  }
  return text + line + "\n";
}

}  // namespace

std::string print(const Trace& trace) {
  std::string text;
  for (const Section& section : trace.sections()) {
    const std::string number = section.number > 0 ? "[" + std::to_string(section.number) + "] " : "";
    text += (section.pass > 0 ? "t = " + std::to_string(section.pass) + "  " : "") + number + section.title + "\n";
    for (const std::string& note : section.notes) text += wrapped(note);
    text += "\n";
    std::vector<Lines> row;
    size_t width = 0;
    for (const int i : section.matrices) {
      Lines lines = block(trace.matrix(i));
      const size_t wide = width_of(lines) + 4;
      if (!row.empty() && width + wide > line_width) {
        text += side_by_side(row);
        row.clear(), width = 0;
      }
      width += wide;
      row.push_back(std::move(lines));
    }
    if (!row.empty()) text += side_by_side(row);
  }
  return text;
}

}  // namespace ditharos::by_hand
