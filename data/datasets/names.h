#pragma once
// Internal to data/datasets/.
// Names of classes for the readers of this folder.
#include <cstdint>
#include <string>
#include <vector>

namespace ditharos::data {

/// The names in `directory`/classes.txt, one per line (text_lines.h), line k for label k; none when there is no such
/// file. Empty lines at the end of the file do not count. IoError on an empty or repeated name.
std::vector<std::string> read_class_names(const std::string& directory);
/// The same for a file of any name, which must exist.
std::vector<std::string> read_class_names_file(const std::string& path);
/// "0", "1", ..., n - 1.
std::vector<std::string> numbered_class_names(int64_t n);

}  // namespace ditharos::data
