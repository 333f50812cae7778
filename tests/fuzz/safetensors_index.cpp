#include <ditharos/tensor/factory.h>
#include <ditharos/tensor/io/safetensors_index.h>
#include "tests/fuzz/fuzz.h"

namespace ditharos::tests {

/// Beside the index there are two shards: "x" with the tensors "a" and "b", and "y" with "c".
void fuzz_safetensors_index(std::string_view bytes) {
  static const bool written = [] {
    safetensors::save(file_with("x", ""), {{"a", ones({2})}, {"b", zeros({1}, DType::f16)}});
    safetensors::save(file_with("y", ""), {{"c", ones({1})}}, {{"format", "pt"}});
    return true;
  }();
  demand(written, "two shards");
  const safetensors::Contents contents = safetensors::load_index(file_with("index.json", bytes));
  demand(contents.tensors.size() <= 3, "no other tensors");
}

}  // namespace ditharos::tests
