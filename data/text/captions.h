#pragma once
// Internal to data/.
// Lists of files with captions.
#include <string>
#include <vector>

namespace ditharos::data {

struct FileCaption {
  std::string file;  ///< as the list has it, relative to its folder
  std::string caption;
};

/// True when the directory has captions.txt or captions.jsonl.
bool has_captions(const std::string& directory);
/// What captions.txt (name, tab, caption) or captions.jsonl ({"file": ..., "caption": ...}, other keys with values of
/// any kind are passed over) of a directory lists, in its order; both are read as text_lines.h says. IoError with
/// file:line when something in it is wrong, when there are both files or neither.
std::vector<FileCaption> read_captions(const std::string& directory);

}  // namespace ditharos::data
