#include <cstring>

#include <ditharos/tensor/io/safetensors.h>
#include "tests/fuzz/fuzz.h"

namespace ditharos::tests {
namespace {

/// What is read can be written, and comes back the same.
void read_tensors(std::string_view bytes) {
  const safetensors::Contents contents = safetensors::load(file_with("a", bytes));
  const std::string copy = file_with("b", "");
  safetensors::save(copy, contents.tensors, contents.metadata);
  const safetensors::Contents again = safetensors::load(copy);
  demand(again.metadata == contents.metadata, "the same metadata");
  demand(again.tensors.size() == contents.tensors.size(), "as many tensors");
  for (const auto& [name, tensor] : contents.tensors) {
    const Tensor& other = again.tensors.at(name);
    demand(other.shape() == tensor.shape() && other.dtype() == tensor.dtype(), "the same shapes");
    const size_t size = static_cast<size_t>(tensor.numel()) * size_of(tensor.dtype());
    demand(size == 0 || std::memcmp(other.storage()->data(), tensor.storage()->data(), size) == 0, "the same elements");
  }
}

}  // namespace

void fuzz_safetensors(std::string_view bytes) {
  fuzz_one(read_tensors, bytes);
  // The text alone, with its length put in front of it.
  std::string file(8, '\0');
  const uint64_t length = bytes.size();
  std::memcpy(file.data(), &length, sizeof length);
  read_tensors(file.append(bytes));
}

}  // namespace ditharos::tests
