#include <ditharos/tensor/io/torch_file.h>
#include <ditharos/tensor/kernels/copy/copy.h>
#include "tests/fuzz/fuzz.h"
#include "tests/tensor/torch_archives.h"

namespace ditharos::tests {
namespace {

/// Every element of what is read lies in memory.
void read_torch(std::string_view bytes) {
  const torch_file::Contents contents = torch_file::load(file_with("a.pt", bytes));
  for (const auto& [name, tensor] : contents.tensors) {
    const Tensor copy = kernels::to(tensor, tensor.dtype());
    demand(copy.shape() == tensor.shape(), "the same shapes");
    demand(uint64_t(copy.numel()) * size_of(copy.dtype()) <= 2 * bytes.size(), "no more elements than bytes");
  }
}

}  // namespace

void fuzz_torch_file(std::string_view bytes) {
  fuzz_one(read_torch, bytes);
  // The pickle alone, in an archive with a few storages.
  read_torch(torch_archive(std::string(bytes), {{.name = "0", .data = std::string(24, '\1')},
                                                {.name = "1", .data = std::string(8, '\1')},
                                                {.name = "2", .data = ""}}));
}

}  // namespace ditharos::tests
