#pragma once
// Internal to data/.
// Lists of files with captions.
#include <cstdint>
#include <string>
#include <vector>

namespace ditharos::data {

struct FileCaption {
  std::string file;  ///< as the list has it, relative to its folder
  std::string caption;
  int64_t line = 0;  ///< of the list, from 1
};

/// IoError unless `file`, a name in a list of files, can lie in the list's folder: it is not empty, relative, and has
/// no part "..".
void check_listed_name(const std::string& file);

/// True when the directory has captions.txt or captions.jsonl.
bool has_captions(const std::string& directory);
/// The entries of a directory's captions.txt (name, tab, caption) or captions.jsonl ({"file": ..., "caption": ...},
/// other keys are ignored), in order. Lines are read as text_lines.h says. IoError, with file:line for a wrong line,
/// and when both files or neither exist.
std::vector<FileCaption> read_captions(const std::string& directory);

}  // namespace ditharos::data
