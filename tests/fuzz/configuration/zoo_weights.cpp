#include <algorithm>
#include <cstring>

#include <ditharos/models/zoo/conversion.h>
#include <ditharos/models/zoo/inspection.h>
#include <ditharos/tensor/io/safetensors.h>
#include "tests/fuzz/fuzz.h"

namespace ditharos::tests {

/// The header of a .safetensors file, with as much data as it says, as the weights of a model of the zoo. Up to a zero
/// byte a JSON object with settings may stand in front.
void fuzz_zoo_weights(std::string_view bytes) {
  models::RecognitionHints hints;
  if (const size_t zero = bytes.find('\0'); zero != std::string_view::npos) {
    hints.config = models::JsonObject::parse(std::string(bytes.substr(0, zero)), "config.json");
    bytes.remove_prefix(zero + 1);
  }
  const uint64_t length = bytes.size();
  std::string file(8, '\0');
  std::memcpy(file.data(), &length, sizeof length);
  file.append(bytes);
  // The last end of a tensor's data is the largest number in most headers.
  uint64_t data = 0;
  for (size_t i = 0; i < bytes.size(); ++i) {
    uint64_t number = 0;
    for (; i < bytes.size() && bytes[i] >= '0' && bytes[i] <= '9' && number < (1 << 20); ++i)
      number = number * 10 + uint64_t(bytes[i] - '0');
    if (number < (1 << 20)) data = std::max(data, number);
  }
  file.append(size_t(data), '\0');
  const safetensors::Contents contents = safetensors::load(file_with("a.safetensors", file));
  demand(!models::inspect_tensors(contents.tensors, hints).empty(), "a description");
  fuzz_one(
      [](std::string_view path) {
        (void)models::convert_tensors(safetensors::load(std::string(path)).tensors,
                                      models::ConversionOptions::parse("ditharos", "f16", {}));
      },
      file_with("a.safetensors", file));
}

}  // namespace ditharos::tests
