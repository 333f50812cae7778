#include <ditharos/data/datasets/names.h>

#include <algorithm>
#include <filesystem>

#include <ditharos/data/text/text_lines.h>
#include <ditharos/tensor/error.h>

namespace ditharos::data {

std::vector<std::string> read_class_names(const std::string& directory) {
  const std::string path = (std::filesystem::path(directory) / "classes.txt").string();
  std::error_code missing;
  return std::filesystem::exists(path, missing) ? read_class_names_file(path) : std::vector<std::string>();
}

std::vector<std::string> read_class_names_file(const std::string& path) {
  std::vector<std::string> names;
  constexpr uint64_t limit = uint64_t{16} << 20;
  const std::string text = read_text(path, limit);
  for (const std::string_view line : text_lines(text)) names.emplace_back(line);
  while (!names.empty() && names.back().empty()) names.pop_back();
  check<IoError>(!names.empty(), "cannot use ", path, ": it holds no class name");

  std::vector<std::string> sorted = names;
  std::sort(sorted.begin(), sorted.end());
  const auto repeated = std::adjacent_find(sorted.begin(), sorted.end());
  check<IoError>(repeated == sorted.end(), "cannot use ", path, ": the class name '",
                 repeated == sorted.end() ? "" : *repeated, "' stands there twice");
  const auto empty = std::find(names.begin(), names.end(), "");
  check<IoError>(empty == names.end(), "cannot use ", path, ": line ", empty - names.begin() + 1, " is empty");
  return names;
}

std::vector<std::string> numbered_class_names(int64_t n) {
  std::vector<std::string> names;
  for (int64_t i = 0; i < n; ++i) names.push_back(std::to_string(i));
  return names;
}

}  // namespace ditharos::data
