#include <ditharos/data/datasets/images/metadata.h>
#include "tests/fuzz/fuzz.h"

namespace ditharos::tests {

/// The first byte chooses metadata.jsonl or metadata.csv.
void fuzz_metadata(std::string_view bytes) {
  if (bytes.empty()) return;
  const std::string path = file_with((bytes[0] & 1) != 0 ? "metadata.jsonl" : "metadata.csv", bytes.substr(1));
  for (const data::MetadataRow& row : data::read_metadata(path)) {
    demand(!row.file.empty() && row.file[0] != '/', "a relative path");
    demand((row.text && !row.text->empty()) || (row.label && !row.label->empty()), "a text or a label");
    demand(row.line >= 1, "a line");
  }
}

}  // namespace ditharos::tests
