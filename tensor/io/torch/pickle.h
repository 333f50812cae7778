#pragma once
// Internal to tensor/io/.
// The subset of Python's pickle format (protocols 2 to 5) that torch.save writes for state dicts. A pickle is a program
// for a machine with a stack and a memo. This one builds lists, dicts and numbers, and calls nothing: a global is a
// name, and names that are not in pickle_globals.h are refused.
#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <vector>

namespace ditharos::pickle {

enum class Kind : uint8_t {
  none,
  boolean,
  integer,
  real,
  text,
  bytes,
  opaque,
  mark,    // of the stack; never part of a value
  global,  // `text` is its name, "torch.FloatStorage"
  tuple,
  list,        // `index` of their items
  dict,        // `index` of keys and values in turn
  persistent,  // `index` of what identifies it: the tuple of a torch storage
  tensor,      // `index` of the arguments of torch._utils._rebuild_tensor_v2
  tensor_v3,   // the same of _rebuild_tensor_v3
};

/// One value. Texts are views of the pickle, containers are in Document::containers.
struct Value {
  Kind kind = Kind::none;
  uint32_t length = 0;  // of a text
  union {
    int64_t integer = 0;
    double real;
    const char* start;  // of a text
    size_t index;
  };

  Value() = default;
  explicit Value(Kind of, uint32_t text_length = 0) : kind(of), length(text_length) {}
  std::string_view text() const { return {start, length}; }
};
static_assert(sizeof(Value) == 16);

/// What a pickle holds. A container may be part of several others, or of itself.
struct Document {
  std::deque<std::vector<Value>> containers;
  Value root;

  const std::vector<Value>& items(const Value& value) const { return containers[value.index]; }
};

/// Limits of memory for a small pickle that claims much. The largest published checkpoints have some thousand tensors,
/// each with seven containers.
inline constexpr size_t max_containers = 1 << 19, max_items = 1 << 21, max_stack = 1 << 20, max_memo = 1 << 20;

/// Reads `bytes`, of which the document keeps views. IoError, without the path, says what was refused at which byte.
[[nodiscard]] Document read(std::string_view bytes);

}  // namespace ditharos::pickle
