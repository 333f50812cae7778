#include <ditharos/data/text/csv.h>

#include <algorithm>
#include <utility>

#include <ditharos/data/text/text_lines.h>
#include <ditharos/tensor/error.h>

namespace ditharos::data {
namespace {

class Reader {
 public:
  explicit Reader(std::string_view text) : rest_(text) {
    if (rest_.starts_with(byte_order_mark)) rest_.remove_prefix(byte_order_mark.size());
  }
  bool at_end() const { return rest_.empty(); }

  CsvRow row() {
    CsvRow row{line_, {}};
    do {
      row.fields.push_back(rest_.starts_with('"') ? quoted() : plain());
    } while (skip(','));
    skip_line_end();
    return row;
  }

 private:
  bool skip(char c) {
    if (!rest_.starts_with(c)) return false;
    rest_.remove_prefix(1);
    return true;
  }
  void skip_line_end() {
    const bool carriage_return = skip('\r');
    if (skip('\n') || carriage_return) ++line_;
  }
  std::string take(size_t n) {
    std::string taken(rest_.substr(0, n));
    rest_.remove_prefix(taken.size());
    return taken;
  }
  std::string plain() { return take(rest_.find_first_of(",\r\n")); }
  std::string quoted() {
    const int64_t begin = line_;
    std::string field;
    skip('"');
    for (bool ended = false; !ended;) {
      const size_t end = rest_.find('"');
      check<IoError>(end != std::string_view::npos, "line ", begin, ": a field in quotes does not end");
      field += take(end);
      skip('"');
      ended = !skip('"');  // two of them stand for one
      if (!ended) field += '"';
    }
    line_ += std::count(field.begin(), field.end(), '\n');
    check<IoError>(rest_.empty() || rest_.find_first_of(",\r\n") == 0, "line ", line_,
                   ": text stands behind the end of a field in quotes");
    return field;
  }

  std::string_view rest_;
  int64_t line_ = 1;
};

}  // namespace

std::vector<CsvRow> read_csv(std::string_view text) {
  std::vector<CsvRow> rows;
  for (Reader reader(text); !reader.at_end();) {
    CsvRow row = reader.row();
    if (row.fields.size() > 1 || !row.fields[0].empty()) rows.push_back(std::move(row));
  }
  return rows;
}

}  // namespace ditharos::data
