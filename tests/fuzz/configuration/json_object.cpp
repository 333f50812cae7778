#include <ditharos/models/zoo/json_object.h>
#include <ditharos/tensor/error.h>
#include "tests/fuzz/fuzz.h"

namespace ditharos::tests {

/// Every kind of value of the keys that the zoo reads.
void fuzz_json_object(std::string_view bytes) {
  const models::JsonObject object = models::JsonObject::load(file_with("config.json", bytes));
  for (const char* key : {"a", "num_heads", "patch_size", "sample_size", "norm_type"}) {
    const auto take = [&](const auto& get) {
      try {
        demand(!get() || object.has(key), "a key that exists");
      } catch (const Error&) {  // of another kind
      }
    };
    take([&] { return object.integer(key).has_value(); });
    take([&] { return object.number(key).has_value(); });
    take([&] { return object.flag(key).has_value(); });
    take([&] { return object.text(key).has_value(); });
    take([&] { return object.integers(key).has_value(); });
  }
}

}  // namespace ditharos::tests
