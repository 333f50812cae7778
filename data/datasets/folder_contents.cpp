#include <ditharos/data/datasets/folder_contents.h>

#include <algorithm>
#include <filesystem>
#include <set>
#include <vector>

#include <ditharos/data/text/unicode.h>

namespace ditharos::data {
namespace {

std::string counted(int64_t n, const std::string& what) { return std::to_string(n) + " " + what + (n == 1 ? "" : "s"); }

}  // namespace

bool is_hidden(const std::string& name) {
  static const std::set<std::string> of_systems{"__macosx",    "thumbs.db",    "ehthumbs.db",
                                                "desktop.ini", "$recycle.bin", "lost+found",
                                                "@eadir",      "#recycle",     "system volume information"};
  std::string lower = name;
  std::transform(lower.begin(), lower.end(), lower.begin(), ascii_lower);
  return name.starts_with('.') || of_systems.contains(lower);
}

void UnreadFiles::add_file(const std::string& name) {
  std::string ending = std::filesystem::path(name).extension().string();
  std::transform(ending.begin(), ending.end(), ending.begin(), ascii_lower);
  ++counts_[ending];
}

void UnreadFiles::add(const UnreadFiles& others) {
  for (const auto& [ending, n] : others.counts_) counts_[ending] += n;
  folders_ += others.folders_;
}

std::string UnreadFiles::text() const {
  std::vector<std::string> parts;
  for (const auto& [ending, n] : counts_) {
    if (!ending.empty()) parts.push_back(counted(n, ending + " file"));
  }
  if (const auto none = counts_.find(""); none != counts_.end())
    parts.push_back(counted(none->second, "file") + " without an ending");
  if (folders_ > 0) parts.push_back(counted(folders_, "folder"));
  std::string text;
  for (size_t i = 0; i < parts.size(); ++i) text += (i == 0 ? "" : i + 1 == parts.size() ? " and " : ", ") + parts[i];
  return text;
}

bool UnreadFiles::is_one() const {
  int64_t all = folders_;
  for (const auto& [ending, n] : counts_) all += n;
  return all == 1;
}

}  // namespace ditharos::data
