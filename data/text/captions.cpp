#include <ditharos/data/text/captions.h>

#include <filesystem>
#include <string_view>
#include <system_error>

#include <ditharos/data/text/text_lines.h>
#include <ditharos/tensor/error.h>
#include <ditharos/tensor/io/json.h>

namespace ditharos::data {
namespace {

namespace fs = std::filesystem;

constexpr uint64_t most_bytes = uint64_t{1} << 30;

std::string path_of(const std::string& directory, const char* name) { return (fs::path(directory) / name).string(); }
bool exists(const std::string& path) {
  std::error_code missing;
  return fs::exists(path, missing);
}

std::string_view trimmed(std::string_view text) {
  const size_t first = text.find_first_not_of(" \t\r\n"), last = text.find_last_not_of(" \t\r\n");
  return first == std::string_view::npos ? std::string_view() : text.substr(first, last - first + 1);
}

FileCaption parse_text(std::string_view line) {
  const size_t tab = line.find('\t');
  check<IoError>(tab != std::string_view::npos, "there is no tab with a caption behind the file's name");
  return {.file = std::string(trimmed(line.substr(0, tab))), .caption = std::string(trimmed(line.substr(tab + 1)))};
}

/// Parses one object; its strings "file" and "caption" are read, everything else is ignored.
class CaptionReader : public JsonHandler {
 public:
  FileCaption entry;

  void begin_object() override { begin(); }
  void end_object() override { --depth_; }
  void begin_array() override {
    check<IoError>(depth_ > 0, "the line is no object");
    begin();
  }
  void end_array() override { --depth_; }
  void key(std::string&& name) override {
    if (depth_ == 1) key_ = std::move(name);
  }
  void string(std::string&& value) override {
    check<IoError>(depth_ > 0, "the line is no object");
    if (depth_ == 1 && key_ == "file") entry.file = trimmed(value);
    if (depth_ == 1 && key_ == "caption") entry.caption = trimmed(value);
  }
  void whole_number(uint64_t) override { pass_over(); }
  void other(const std::string&) override { pass_over(); }

 private:
  void begin() {
    pass_over();
    ++depth_;
  }
  void pass_over() const {
    check<IoError>(depth_ != 1 || (key_ != "file" && key_ != "caption"), "the value of \"", key_,
                   "\" must be a string");
  }

  std::string key_;
  int64_t depth_ = 0;
};

FileCaption parse_json(std::string_view line) {
  CaptionReader reader;
  read_json(line, "the line", reader);
  return reader.entry;
}

}  // namespace

void check_listed_name(const std::string& file) {
  check<IoError>(!file.empty(), "it names no file");
  const fs::path path(file);
  bool inside = path.is_relative();
  for (const fs::path& part : path) inside = inside && part != "..";
  check<IoError>(inside, "the file ", file, " does not lie in the folder of the list");
}

bool has_captions(const std::string& directory) {
  return exists(path_of(directory, "captions.txt")) || exists(path_of(directory, "captions.jsonl"));
}

std::vector<FileCaption> read_captions(const std::string& directory) {
  const std::string text_path = path_of(directory, "captions.txt"), json_path = path_of(directory, "captions.jsonl");
  const bool is_json = exists(json_path);
  check<IoError>(is_json || exists(text_path), "cannot use ", directory,
                 ": it has neither captions.txt nor captions.jsonl");
  check<IoError>(!is_json || !exists(text_path), "cannot use ", directory,
                 ": it has captions.txt and captions.jsonl; one of them is enough");
  const std::string path = is_json ? json_path : text_path;
  const std::string text = read_text(path, most_bytes);

  std::vector<FileCaption> entries;
  int64_t number = 0;
  for (const std::string_view line : text_lines(text)) {
    ++number;
    if (trimmed(line).empty()) continue;
    try {
      entries.push_back(is_json ? parse_json(line) : parse_text(line));
      FileCaption& entry = entries.back();
      entry.line = number;
      check_listed_name(entry.file);
      check<IoError>(!entry.caption.empty(), "the caption of ", entry.file, " is empty");
    } catch (const IoError& error) {
      fail<IoError>("cannot read ", path, ":", number, ": ", error.what());
    }
  }
  check<IoError>(!entries.empty(), "cannot use ", path, ": it lists no file");
  return entries;
}

}  // namespace ditharos::data
