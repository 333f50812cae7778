#include <ditharos/data/datasets/images/idx.h>
#include "tests/fuzz/fuzz.h"

namespace ditharos::tests {
namespace {

constexpr uint64_t most_bytes = 1 << 20;

}  // namespace

/// The first byte chooses: images or labels, plain or compressed.
void fuzz_idx(std::string_view bytes) {
  if (bytes.empty()) return;
  const bool labels = (bytes[0] & 1) != 0, compressed = (bytes[0] & 2) != 0;
  const std::string path = file_with(compressed ? "a.gz" : "a", bytes.substr(1));
  if (labels) data::read_idx_labels(path, most_bytes);
  else data::read_idx_images(path, most_bytes);
}

}  // namespace ditharos::tests
