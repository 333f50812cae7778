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

FileCaption parse_text(std::string_view line) {
  const size_t tab = line.find('\t');
  check<IoError>(tab != std::string_view::npos, "there is no tab with a caption behind the file's name");
  return {.file = std::string(trimmed(line.substr(0, tab))), .caption = std::string(trimmed(line.substr(tab + 1)))};
}

/// The strings "file" and "caption" of a line; everything else is ignored.
class CaptionReader : public JsonMemberHandler {
 public:
  CaptionReader() : JsonMemberHandler("the line") {}
  FileCaption entry;

 private:
  void string_member(const std::string& key, std::string&& value) override {
    if (key == "file") entry.file = trimmed(value);
    if (key == "caption") entry.caption = trimmed(value);
  }
  void other_member(const std::string& key, const std::string&) override {
    check<IoError>(key != "file" && key != "caption", "the value of \"", key, "\" must be a string");
  }
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
