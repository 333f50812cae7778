#include <ditharos/data/text/captions.h>

#include <filesystem>
#include <string_view>
#include <system_error>

#include <ditharos/data/text/text_lines.h>
#include <ditharos/tensor/error.h>
#include <ditharos/tensor/io/json_scanner.h>

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
  return {std::string(trimmed(line.substr(0, tab))), std::string(trimmed(line.substr(tab + 1)))};
}

FileCaption parse_json(std::string_view line) {
  JsonScanner json(line, "the line");
  FileCaption entry;
  json.expect('{');
  for (bool more = !json.accept('}'); more;) {
    const std::string key = json.string();
    json.expect(':');
    if (key == "file" || key == "caption") {
      if (!json.comes('"')) json.refuse("the value of \"" + key + "\" must be a string");
      const std::string value = json.string();
      (key == "file" ? entry.file : entry.caption) = trimmed(value);
    } else {
      json.skip_value();
    }
    more = json.accept(',');
    if (!more) json.expect('}');
  }
  json.expect_end();
  return entry;
}

/// A list is no way out of its folder: neither to the root nor by "..".
void check_entry(const FileCaption& entry) {
  check<IoError>(!entry.file.empty(), "it names no file");
  check<IoError>(!entry.caption.empty(), "the caption of ", entry.file, " is empty");
  const fs::path path(entry.file);
  bool inside = path.is_relative();
  for (const fs::path& part : path) inside = inside && part != "..";
  check<IoError>(inside, "the file ", entry.file, " does not lie in the folder of the list");
}

}  // namespace

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
  size_t number = 0;
  for (const std::string_view line : text_lines(text)) {
    ++number;
    if (trimmed(line).empty()) continue;
    try {
      entries.push_back(is_json ? parse_json(line) : parse_text(line));
      check_entry(entries.back());
    } catch (const IoError& error) {
      fail<IoError>("cannot read ", path, ":", number, ": ", error.what());
    }
  }
  check<IoError>(!entries.empty(), "cannot use ", path, ": it lists no file");
  return entries;
}

}  // namespace ditharos::data
