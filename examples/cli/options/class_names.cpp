#include "examples/cli/options/class_names.h"

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <filesystem>
#include <map>

#include <ditharos/data/datasets/images/class_folder.h>
#include <ditharos/tensor/error.h>
#include <ditharos/tensor/io/quoted_text.h>
#include "examples/cli/suggest.h"

namespace ditharos::examples {
namespace {

std::string list_of(const std::vector<std::string>& names) {
  constexpr size_t most = 20;
  std::string text;
  for (size_t i = 0; i < std::min(most, names.size()); ++i)
    text += (i > 0 ? ", " : "") + std::to_string(i) + " " + quote(names[i]);
  return names.size() > most ? text + ", ..." : text;
}

/// One class: its name, or its number where no class has this name.
int64_t parse_class(const std::string& text, const std::vector<std::string>& names) {
  const auto named = std::find(names.begin(), names.end(), text);
  if (named != names.end()) return named - names.begin();
  int64_t number = -1;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  const bool is_number = error == std::errc() && end == text.data() + text.size();
  check<ConfigError>(!is_number || (number >= 0 && number < int64_t(names.size())), "--classes: ", number,
                     " is not in 0..", int64_t(names.size()) - 1);
  check<ConfigError>(is_number, "--classes: there is no class ", quote(text), did_you_mean(text, names),
                     "; the classes are ", list_of(names));
  return number;
}

}  // namespace

std::vector<int64_t> parse_classes(const std::vector<std::string>& texts, const std::vector<std::string>& names) {
  check<ConfigError>(texts.empty() || !names.empty(), "--classes: the model was trained without classes");
  std::vector<int64_t> classes;
  for (const std::string& text : texts) {
    const auto named = std::find(names.begin(), names.end(), text);
    if (named != names.end()) classes.push_back(named - names.begin());
    for (size_t begin = 0; named == names.end() && begin <= text.size();) {
      const size_t comma = std::min(text.find(',', begin), text.size());
      const std::string part = text.substr(begin, comma - begin);
      const size_t first = part.find_first_not_of(' '), last = part.find_last_not_of(' ');
      classes.push_back(parse_class(first == std::string::npos ? "" : part.substr(first, last - first + 1), names));
      begin = comma + 1;
    }
  }
  return classes;
}

std::vector<std::string> image_files(const std::string& folder, const std::vector<std::string>& classes) {
  std::map<std::string, int64_t> count;  // by folder: of two classes with one name too
  std::vector<std::string> files;
  for (const std::string& shown : classes) {
    const std::string name = data::folder_name_of(shown);
    const std::filesystem::path inside = std::filesystem::path(folder) / name;
    constexpr size_t longest = 255;  // bytes of a name, on the usual file systems
    check<ConfigError>(name.size() <= longest, "--folder: the class ", quote(shown), " needs a folder with a name of ",
                       name.size(), " bytes, and ", longest, " are possible");
    check<ConfigError>(!std::filesystem::is_symlink(inside), "--folder: ", quote(inside.string()),
                       " is a link that leads elsewhere; remove it, or choose another folder");
    char file[32];
    std::snprintf(file, sizeof file, "%04lld.png", static_cast<long long>(count[name]++));
    files.push_back((inside / file).string());
    check<ConfigError>(!std::filesystem::exists(std::filesystem::symlink_status(files.back())),
                       "--folder: ", quote(files.back()), " exists already; choose another folder, or remove it");
  }
  return files;
}

}  // namespace ditharos::examples
