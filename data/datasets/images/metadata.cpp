#include <ditharos/data/datasets/images/metadata.h>

#include <algorithm>
#include <filesystem>
#include <system_error>

#include <ditharos/data/text/captions.h>
#include <ditharos/data/text/csv.h>
#include <ditharos/data/text/text_lines.h>
#include <ditharos/tensor/error.h>
#include <ditharos/tensor/io/json.h>

namespace ditharos::data {
namespace {

constexpr uint64_t most_bytes = uint64_t{1} << 30;

/// "file_name", "text" and "label" of a line; everything else is ignored.
class RowReader : public JsonMemberHandler {
 public:
  RowReader() : JsonMemberHandler("the line") {}
  MetadataRow row;

 private:
  void string_member(const std::string& key, std::string&& value) override {
    if (key == "file_name") row.file = std::move(value);
    else if (key == "text") row.text = std::move(value);
    else if (key == "label") row.label = std::move(value);
  }
  void number_member(const std::string& key, uint64_t value) override {
    if (key != "label") return other_member(key, "a number");
    row.label = std::to_string(value);
    row.numeric = true;
  }
  void other_member(const std::string& key, const std::string&) override {
    check<IoError>(key != "file_name" && key != "text", "the value of \"", key, "\" must be a string");
    check<IoError>(key != "label", "the value of \"label\" must be a string or a whole number");
  }
};

std::vector<MetadataRow> read_lines(const std::string& text, const std::string& path) {
  std::vector<MetadataRow> rows;
  int64_t number = 0;
  for (const std::string_view line : text_lines(text)) {
    ++number;
    if (line.empty()) continue;
    try {
      RowReader reader;
      read_json(line, "the line", reader);
      reader.row.line = number;
      rows.push_back(std::move(reader.row));
    } catch (const IoError& error) {
      fail<IoError>("cannot read ", path, ":", number, ": ", error.what());
    }
  }
  return rows;
}

bool is_whole_number(const std::string& text) {
  return !text.empty() && text.find_first_not_of("0123456789") == std::string::npos;
}

std::vector<MetadataRow> read_table(const std::string& text, const std::string& path) {
  std::vector<CsvRow> table;
  try {
    table = read_csv(text);
  } catch (const IoError& error) {
    fail<IoError>("cannot read ", path, ": ", error.what());
  }
  if (table.empty()) return {};
  const std::vector<std::string> names = table[0].fields;
  const auto column = [&](const char* name) {
    return static_cast<size_t>(std::find(names.begin(), names.end(), name) - names.begin());
  };
  const size_t file = column("file_name"), caption = column("text"), label = column("label");
  check<IoError>(file < names.size(), "cannot read ", path, ": its first line names no column file_name");
  std::vector<MetadataRow> rows;
  bool numeric = true;
  for (size_t i = 1; i < table.size(); ++i) {
    const CsvRow& from = table[i];
    check<IoError>(from.fields.size() == names.size(), "cannot read ", path, ":", from.line, ": it has ",
                   from.fields.size(), " fields, and the first line has ", names.size());
    MetadataRow row{.file = from.fields[file], .text = {}, .label = {}, .line = from.line};
    if (caption < names.size()) row.text = from.fields[caption];
    if (label < names.size()) row.label = from.fields[label];
    numeric = numeric && row.label && is_whole_number(*row.label);
    rows.push_back(std::move(row));
  }
  for (MetadataRow& row : rows) row.numeric = numeric;
  return rows;
}

/// Checks a row by itself and against the first one.
void check_row(const MetadataRow& row, const MetadataRow& first) {
  check_listed_name(row.file);
  check<IoError>(row.text || row.label, row.file, " has neither a text nor a label");
  const auto check_same = [&](bool here, bool there, const char* what) {
    check<IoError>(here == there, row.file, here ? " has a " : " has no ", what, ", and ", first.file, " on line ",
                   first.line, there ? " has one" : " has none");
  };
  check_same(row.text.has_value(), first.text.has_value(), "text");
  check_same(row.label.has_value(), first.label.has_value(), "label");
  check<IoError>(!row.text || !row.text->empty(), "the text of ", row.file, " is empty");
  check<IoError>(!row.label || !row.label->empty(), "the label of ", row.file, " is empty");
  const auto kind = [](const MetadataRow& of) { return of.numeric ? " is a number" : " is a string"; };
  check<IoError>(row.numeric == first.numeric, "the label of ", row.file, kind(row), ", and that of ", first.file,
                 " on line ", first.line, kind(first));
}

}  // namespace

std::string metadata_path(const std::string& directory) {
  const std::string lines = (std::filesystem::path(directory) / "metadata.jsonl").string();
  const std::string table = (std::filesystem::path(directory) / "metadata.csv").string();
  std::error_code missing;
  const bool has_lines = std::filesystem::exists(lines, missing), has_table = std::filesystem::exists(table, missing);
  check<IoError>(!has_lines || !has_table, "cannot use ", directory,
                 ": it has metadata.jsonl and metadata.csv; one of them is enough");
  return has_lines ? lines : has_table ? table : "";
}

std::vector<MetadataRow> read_metadata(const std::string& path) {
  const std::string text = read_text(path, most_bytes);
  std::vector<MetadataRow> rows = path.ends_with(".csv") ? read_table(text, path) : read_lines(text, path);
  check<IoError>(!rows.empty(), "cannot use ", path, ": it lists no file");
  for (const MetadataRow& row : rows) {
    try {
      check_row(row, rows.front());
    } catch (const IoError& error) {
      fail<IoError>("cannot read ", path, ":", row.line, ": ", error.what());
    }
  }
  return rows;
}

}  // namespace ditharos::data
