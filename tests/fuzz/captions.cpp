#include <filesystem>

#include <ditharos/data/text/captions.h>
#include "tests/fuzz/fuzz.h"

namespace ditharos::tests {

/// The first byte chooses captions.txt or captions.jsonl.
void fuzz_captions(std::string_view bytes) {
  if (bytes.empty()) return;
  const std::string name = (bytes[0] & 1) != 0 ? "captions.jsonl" : "captions.txt";
  const std::filesystem::path path = file_with(name, bytes.substr(1));
  std::filesystem::remove(path.parent_path() / (name == "captions.txt" ? "captions.jsonl" : "captions.txt"));
  for (const data::FileCaption& entry : data::read_captions(path.parent_path().string())) {
    demand(!entry.file.empty() && entry.file[0] != '/', "a relative path");
    demand(!entry.caption.empty(), "a caption");
  }
}

}  // namespace ditharos::tests
