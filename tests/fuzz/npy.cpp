#include <ditharos/data/datasets/arrays/array_set.h>
#include <ditharos/tensor/io/numpy_file.h>
#include "tests/fuzz/fuzz.h"

namespace ditharos::tests {

/// The same bytes as an array, as an archive, and as a data set.
void fuzz_npy(std::string_view bytes) {
  fuzz_one(
      [](std::string_view b) {
        const Tensor x = load_npy(file_with("a.npy", b));
        demand(uint64_t(x.numel()) * size_of(x.dtype()) <= b.size(), "no more elements than bytes");
        data::load_array_set(file_with("a.npy", b), data::Split::train);
      },
      bytes);
  const std::string path = file_with("a.npz", bytes);
  for (const auto& [name, x] : load_npz(path, {}, 1 << 20)) demand(x.defined(), "an array");
  data::load_array_set(path, data::Split::train);
}

}  // namespace ditharos::tests
