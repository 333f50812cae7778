#include <ditharos/data/datasets/webdataset/shard_list.h>

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <optional>
#include <system_error>

#include <ditharos/data/datasets/folder_bounds.h>
#include <ditharos/data/datasets/folder_contents.h>
#include <ditharos/data/text/unicode.h>

namespace ditharos::data {
namespace {

namespace fs = std::filesystem;

constexpr int64_t most_shards = 100000;

bool is_tar(const std::string& path) {
  std::string ending = fs::path(path).extension().string();
  std::transform(ending.begin(), ending.end(), ending.begin(), ascii_lower);
  return ending == ".tar";
}
bool is_folder(const fs::path& path) {
  std::error_code unknown;
  return fs::is_directory(path, unknown);
}

std::vector<std::string> tars_in(const fs::path& directory) {
  std::vector<std::string> paths;
  std::error_code error;
  for (fs::directory_iterator it(directory, error), end; !error && it != end; it.increment(error)) {
    if (!is_hidden(it->path().filename().string()) && is_tar(it->path().string()) && !is_folder(it->path()))
      paths.push_back(it->path().string());
  }
  std::sort(paths.begin(), paths.end());
  return paths;
}
bool has_split_folders(const fs::path& directory) {
  return !tars_in(directory / name_of(Split::train)).empty() && !tars_in(directory / name_of(Split::test)).empty();
}

/// "a-{08..11}.tar": before, first, last, behind.
struct Pattern {
  std::string before, behind;
  int64_t first = 0, last = 0;
  size_t digits = 0;  // of the first number; leading zeros count
};

std::optional<int64_t> number_in(const std::string& text) {
  int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || text.empty() || text[0] == '-') return std::nullopt;
  return value;
}

std::optional<Pattern> pattern_in(const std::string& path) {
  const size_t open = path.find('{'), close = path.find('}', open), dots = path.find("..", open);
  if (open == std::string::npos || close == std::string::npos || dots == std::string::npos || dots > close) return {};
  const std::string first = path.substr(open + 1, dots - open - 1), last = path.substr(dots + 2, close - dots - 2);
  const auto from = number_in(first), to = number_in(last);
  if (!from || !to) return {};
  return Pattern{path.substr(0, open), path.substr(close + 1), *from, *to, first.size()};
}

std::vector<std::string> expand(const Pattern& pattern, const std::string& path) {
  check<IoError>(pattern.first <= pattern.last && pattern.last - pattern.first < most_shards, "cannot use ", path,
                 ": the numbers of its shards must rise, and be at most ", most_shards);
  std::vector<std::string> paths;
  for (int64_t i = pattern.first; i <= pattern.last; ++i) {
    std::string number = std::to_string(i);
    if (number.size() < pattern.digits) number.insert(0, pattern.digits - number.size(), '0');
    paths.push_back(pattern.before + number + pattern.behind);
  }
  return paths;
}

std::string parent_of(const std::string& path) {
  const fs::path parent = fs::path(path).parent_path();
  return parent.empty() ? "." : parent.string();
}

}  // namespace

bool is_shard_path(const std::string& path) {
  if (is_folder(path)) return !tars_in(path).empty() || has_split_folders(path);
  std::error_code unknown;
  return is_tar(path) && (pattern_in(path).has_value() || fs::exists(path, unknown));
}

ShardList list_shards(const std::string& path, Split split) {
  if (!is_folder(path)) {
    std::error_code unknown;
    if (const auto pattern = pattern_in(path); pattern && !fs::exists(path, unknown))
      return {.paths = expand(*pattern, path), .folder = parent_of(path)};
    return {.paths = {path}, .folder = parent_of(path)};
  }
  ShardList list{.paths = tars_in(path), .folder = path};
  if (list.paths.empty() && has_split_folders(path)) {
    const fs::path part = fs::path(path) / name_of(split);
    list.paths = tars_in(part);
    list.is_split = true;
  }
  check<IoError>(!list.paths.empty(), "cannot use ", path, ": it has no .tar files");
  for (const std::string& shard : list.paths) check_inside(path, shard);
  return list;
}

}  // namespace ditharos::data
